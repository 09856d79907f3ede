'use strict';
// JSON.stringify prints -0 as 0. A quantization's min of -0.0 decodes to other bits than one of 0, so both comparing and writing need
// a text that keeps it.

const MARK = '@@ the number -0 @@';

/** JSON.stringify, but for -0, which is `-0.0`. */
function stringify(value) {
  const text = JSON.stringify(value, (_key, inner) => (Object.is(inner, -0) ? MARK : inner));
  return text.replaceAll(`"${MARK}"`, '-0.0');
}

module.exports = {stringify};
