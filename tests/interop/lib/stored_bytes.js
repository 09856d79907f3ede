'use strict';
// How many bytes of the weight data a tensor occupies. Written anew, not taken from the reference, whose helper is not exported.

const BYTES_PER_ELEMENT = {float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2};

/** `bytes` and `offset` matter for strings, whose lengths stand in the data itself. */
function storedBytes(spec, bytes, offset) {
  const elements = spec.shape.reduce((product, side) => product * side, 1);
  const dtype = spec.quantization ? spec.quantization.dtype : spec.dtype;
  if (dtype === 'string') return stringBytes(elements, bytes, offset);
  if (!(dtype in BYTES_PER_ELEMENT)) throw new Error(`weight ${spec.name}: no size is known for dtype ${dtype}`);
  return elements * BYTES_PER_ELEMENT[dtype];
}

function stringBytes(elements, bytes, offset) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = offset;
  for (let i = 0; i < elements; i++) position += 4 + view.getUint32(position, true);
  return position - offset;
}

module.exports = {storedBytes};
