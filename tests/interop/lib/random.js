'use strict';
// Numbers that look random and are the same everywhere: Marsaglia's xorshift.

class Random {
  constructor(seed) {
    this.state = (Math.imul(seed ^ (seed / 0x100000000), 0x9e3779b1) >>> 0) || 1;
    for (let i = 0; i < 8; i++) this.bits();
  }

  bits() {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>>= 0;
  }

  /** From 0 to `end`, without it. */
  below(end) {
    return this.bits() % end;
  }

  oneIn(n) {
    return this.below(n) === 0;
  }

  choose(list) {
    return list[this.below(list.length)];
  }

  bytes(length) {
    return Buffer.from(Array.from({length}, () => this.bits() >>> 24));
  }
}

module.exports = {Random};
