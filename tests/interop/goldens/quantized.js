'use strict';
// Quantized weights at every corner of the decoder's arithmetic. TensorFlow.js itself never quantizes, so the stored codes are written
// down here in the spelling of the Python converter, and TensorFlow.js says what they mean.

const fs = require('node:fs');
const path = require('node:path');
const {python} = require('../lib/json_styles');

async function write(out) {
  const folder = path.join(out, 'quantized');
  fs.mkdirSync(folder, {recursive: true});
  fs.writeFileSync(path.join(folder, 'model.json'), python(modelText()));
  fs.writeFileSync(path.join(folder, 'group1-shard1of1.bin'), Buffer.concat(WEIGHTS.map(weight => weight.codes)));
  return [folder];
}

const uint8 = (...codes) => Buffer.from(codes);
const uint16 = (...codes) => Buffer.from(Uint16Array.from(codes).buffer);
const float32 = (...values) => Buffer.from(Float32Array.from(values).buffer);
const range = length => Array.from({length}, (_, i) => i);

/** `spec` is JSON text, because `1`, `1.0` and `-0.0` are what this is about. */
const weight = (name, shape, dtype, quantization, codes) => ({
  spec: `{"name":${JSON.stringify(name)},"shape":${JSON.stringify(shape)},"dtype":"${dtype}"` +
      (quantization ? `,"quantization":{${quantization}}}` : '}'),
  codes,
});

const WEIGHTS = [
  weight('u8/f32/all', [16, 16], 'float32', '"dtype":"uint8","min":-0.290685728484509,"scale":0.0020763266320322073,"original_dtype":"float32"', uint8(...range(256))),
  weight('u8/f32/min integer', [3], 'float32', '"dtype":"uint8","min":-1,"scale":0.1,"original_dtype":"float32"', uint8(0x00, 0x30, 0xff)),
  weight('u8/f32/both integers', [2, 2], 'float32', '"dtype":"uint8","min":1,"scale":2', uint8(0, 1, 2, 255)),
  weight('u8/f32/min negative zero', [4], 'float32', '"dtype":"uint8","min":-0.0,"scale":0.011764705882352941', uint8(0x00, 0x55, 0xaa, 0xff)),
  // 0 * -0.5 + -0.0 is -0.0: whoever reads min as 0 decodes another bit.
  weight('u8/f32/negative scale', [3], 'float32', '"dtype":"uint8","min":-0.0,"scale":-0.5', uint8(0, 1, 255)),
  weight('u8/f32/constant', [5], 'float32', '"dtype":"uint8","min":1.0,"scale":1.0,"original_dtype":"float32"', uint8(0, 0, 0, 0, 0)),
  weight('u8/f32/overflow', [3], 'float32', '"dtype":"uint8","min":-1e38,"scale":1.5e38', uint8(0, 2, 255)),
  weight('u8/f32/tiny', [3], 'float32', '"dtype":"uint8","min":1e-45,"scale":1.1754943508222875e-38', uint8(0, 1, 2)),
  weight('u8/f32/scalar', [], 'float32', '"dtype":"uint8","min":6.0,"scale":0.00392156862745098', uint8(255)),
  weight('u8/f32/empty', [0], 'float32', '"dtype":"uint8","min":0.0,"scale":1.0', uint8()),
  weight('u8/i32', [3], 'int32', '"dtype":"uint8","min":-1,"scale":0.1', uint8(0x00, 0x30, 0xff)),
  // Halves go up: -2.5 is -2 and 0.5 is 1. Python would round to even.
  weight('u8/i32/halves', [11], 'int32', '"dtype":"uint8","min":-2.5,"scale":0.5', uint8(...range(11))),
  weight('u8/i32/wraps', [3], 'int32', '"dtype":"uint8","min":0,"scale":1e10', uint8(0, 1, 255)),
  weight('u8/i32/far beyond', [2], 'int32', '"dtype":"uint8","min":0.5,"scale":1e300', uint8(0, 255)),
  // The largest double below one half: x + 0.5 rounds up to 1, so floor(x + 0.5) would be wrong where Math.round gives 0.
  weight('u8/i32/almost half', [2], 'int32', '"dtype":"uint8","min":0.49999999999999994,"scale":1', uint8(0, 1)),
  weight('plain, unaligned', [2, 2], 'float32', null, float32(1.5, -2.25, 3e-5, 4)),
  weight('u16/f32', [3], 'float32', '"dtype":"uint16","min":-0.09999695197810769,"scale":1.9836729216049928e-05,"original_dtype":"float32"', uint16(0x13b1, 0x0000, 0xffff)),
  weight('u16/f32/every 1021st', [65], 'float32', '"dtype":"uint16","min":-0.75,"scale":0.0000231', uint16(...range(65).map(i => i * 1021))),
  weight('u16/i32', [3], 'int32', '"dtype":"uint16","min":-1,"scale":0.1', uint16(0x0000, 0x0030, 0x00ff)),
  weight('u16/i32/halves', [6], 'int32', '"dtype":"uint16","min":-32767.5,"scale":1.0', uint16(0, 1, 32767, 32768, 65534, 65535)),
  weight('u16/i32/group', [2, 1], 'int32', '"dtype":"uint16","min":-0.0,"scale":3', uint16(7, 65535)),
  weight('f16/classes', [2, 9], 'float32', '"dtype":"float16","original_dtype":"float32"', uint16(
      0x0000, 0x8000, 0x3c00, 0xbc00, 0x3555, 0x7bff, 0xfbff, 0x0400, 0x8400, // zeros, ones, a third, largest, smallest normal
      0x0001, 0x03ff, 0x8001, 0x83ff, 0x0200, 0x7c00, 0xfc00, 0x7e00, 0xfe00)), // subnormals, infinities, quiet NaNs
  weight('f16/nan payloads', [6], 'float32', '"dtype":"float16"', uint16(0x7c01, 0xfc01, 0x7dff, 0xfe01, 0x7fff, 0xffff)),
  weight('f16/every exponent', [32, 2], 'float32', '"dtype":"float16"', uint16(...range(32).flatMap(e => [(e << 10) | 0x155, 0x8000 | (e << 10) | 0x2aa]))),
  weight('f16/scalar', [], 'float32', '"dtype":"float16"', uint16(0x4248)),
  weight('f16/empty', [0, 4], 'float32', '"dtype":"float16"', uint16()),
];

function modelText() {
  const specs = WEIGHTS.map(({spec}) => spec).join(',');
  return `{"format":"layers-model","generatedBy":"keras v2.11.0","convertedBy":"TensorFlow.js Converter v4.22.0",
    "modelTopology":{"keras_version":"2.11.0","backend":"tensorflow","model_config":{"class_name":"Sequential","config":{"name":"q","layers":[]}}},
    "weightsManifest":[{"paths":["group1-shard1of1.bin"],"weights":[${specs}]}]}`;
}

module.exports = {write};
