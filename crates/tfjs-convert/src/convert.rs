//! Numbers that become numbers of another type when they are read.

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use tfjs_artifacts::{ByteSource, DType, Error, ErrorKind, WeightData};

use crate::element_type::ElementType;

/// Numbers of a type that TensorFlow.js has not, as `float32` or `int32`. A range is read by reading the range that it is made of.
#[derive(Debug)]
pub(crate) struct ConvertedSource {
    /// The tensor, for errors.
    name: String,
    from: ElementType,
    values: WeightData,
}

/// Bytes of a number of `float32` and `int32`.
const TO: u64 = 4;

impl ConvertedSource {
    pub(crate) fn new(name: String, from: ElementType, values: WeightData) -> Self {
        Self { name, from, values }
    }
}

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for ConvertedSource {
    fn byte_length(&self) -> u64 {
        self.values.byte_length() / self.from.size() * TO
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        let (first, end) = (range.start / TO, range.end.div_ceil(TO));
        let size = self.from.size();
        let values = self.values.read(first * size..end * size).await?;
        let mut converted = Vec::with_capacity(values.len() / size_of_type(self.from) * 4);
        for (index, value) in values.chunks_exact(size_of_type(self.from)).enumerate() {
            match convert(self.from, value) {
                Ok(bytes) => converted.extend_from_slice(&bytes),
                Err(shown) => return Err(self.does_not_fit(first + index as u64, &shown)),
            }
        }
        let skipped = usize::try_from(range.start - first * TO).unwrap_or(usize::MAX);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        Ok(Bytes::from(converted).slice(skipped..skipped + length))
    }
}

impl ConvertedSource {
    fn does_not_fit(&self, index: u64, shown: &str) -> Error {
        let to = self.from.conversion().map_or(DType::Float32, |(to, _)| to);
        let message = format!("element {index} of `{}` is {shown}, which does not fit into {to}", self.name);
        Error::new(ErrorKind::InvalidData, message)
    }
}

/// At most 8.
fn size_of_type(dtype: ElementType) -> usize {
    usize::try_from(dtype.size()).unwrap_or(8)
}

/// One number; or what it is, if it does not fit.
fn convert(from: ElementType, value: &[u8]) -> Result<[u8; 4], String> {
    let mut wide = [0; 8];
    for (to, byte) in wide.iter_mut().zip(value) {
        *to = *byte;
    }
    let [a, b, ..] = wide;
    let narrow = u32::from_le_bytes([wide[0], wide[1], wide[2], wide[3]]);
    let int = |number: i128| i32::try_from(number).map(i32::to_le_bytes).map_err(|_| number.to_string());
    match from {
        ElementType::F64 => single(f64::from_le_bytes(wide)),
        ElementType::BF16 => Ok(half::bf16::from_le_bytes([a, b]).to_f32().to_le_bytes()),
        ElementType::U8 => int(a.into()),
        ElementType::I8 => int(i8::from_le_bytes([a]).into()),
        ElementType::U16 => int(u16::from_le_bytes([a, b]).into()),
        ElementType::I16 => int(i16::from_le_bytes([a, b]).into()),
        ElementType::U32 => int(narrow.into()),
        ElementType::I64 => int(i64::from_le_bytes(wide).into()),
        ElementType::U64 => int(u64::from_le_bytes(wide).into()),
        ElementType::F32 | ElementType::I32 | ElementType::Bool | ElementType::C64 | ElementType::F16 => {
            Ok(narrow.to_le_bytes())
        }
    }
}

/// Rounded to the nearest; a number that would become infinite does not fit.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what was asked for")]
fn single(number: f64) -> Result<[u8; 4], String> {
    let rounded = number as f32;
    if rounded.is_infinite() && number.is_finite() { Err(number.to_string()) } else { Ok(rounded.to_le_bytes()) }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    fn read(from: ElementType, bytes: &[u8], range: Range<u64>) -> Result<Bytes, Error> {
        block_on(ConvertedSource::new("w".to_owned(), from, WeightData::from(bytes.to_vec())).read(range))
    }

    #[test]
    fn each_type_becomes_the_same_number() {
        let ints = |numbers: &[i32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
        let check = |from, bytes: &[u8], expected: &[i32]| {
            assert_eq!(read(from, bytes, 0..4 * expected.len() as u64).unwrap(), ints(expected), "{from}");
        };
        check(ElementType::U8, &[0, 255], &[0, 255]);
        check(ElementType::I8, &[1, 255], &[1, -1]);
        check(ElementType::U16, &[0, 1, 255, 255], &[256, 65535]);
        check(ElementType::I16, &[255, 255], &[-1]);
        check(ElementType::U32, &[1, 0, 0, 0], &[1]);
        check(ElementType::I64, &i64::from(i32::MIN).to_le_bytes(), &[i32::MIN]);
        check(ElementType::U64, &7u64.to_le_bytes(), &[7]);
        assert_eq!(read(ElementType::F64, &0.1f64.to_le_bytes(), 0..4).unwrap()[..], 0.1f32.to_le_bytes());
        assert_eq!(
            read(ElementType::F64, &f64::INFINITY.to_le_bytes(), 0..4).unwrap()[..],
            f32::INFINITY.to_le_bytes()
        );
        assert_eq!(read(ElementType::BF16, &[0x80, 0x3f], 0..4).unwrap()[..], 1f32.to_le_bytes());
    }

    #[test]
    fn a_range_may_cut_numbers() {
        assert_eq!(read(ElementType::U8, &[1, 2, 3], 3..9).unwrap()[..], [0, 2, 0, 0, 0, 3]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = read(ElementType::I64, &[0, 0, 0, 0, 1, 0, 0, 0], 0..4).unwrap_err();
        assert_eq!(error.to_string(), "element 0 of `w` is 4294967296, which does not fit into int32");
        assert!(read(ElementType::U32, &[255; 4], 0..4).is_err());
        assert!(read(ElementType::F64, &1e300f64.to_le_bytes(), 0..4).is_err());
    }
}
