//! Decoding what arrives in chunks: what ends too early, too late or never, and what cannot be decoded.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::cell::Cell;
use std::pin::pin;

use futures::executor::block_on;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tfjs_artifacts::{
    Bytes, DType, Error, ErrorKind, Limit, Limits, Quantization, QuantizationDType, RawJson, Shape, WeightSpec,
};
use tfjs_weights::{DecodeError, StreamDecoder, Tensor, decode_stream};

fn spec(name: &str, size: u64, dtype: DType) -> WeightSpec {
    WeightSpec::new(name, Shape::vector(size).unwrap(), dtype)
}

fn quantized(name: &str, size: u64, dtype: DType, codes: QuantizationDType) -> WeightSpec {
    let mut quantization = Quantization::new(codes);
    quantization.min = Some(RawJson::parse("0.5").unwrap());
    quantization.scale = Some(RawJson::parse("2").unwrap());
    let mut spec = spec(name, size, dtype);
    spec.quantization = Some(quantization);
    spec
}

/// A sender of too much is not listened to for longer than it takes to notice.
#[test]
fn bytes_behind_the_last_tensor_end_the_stream() {
    let taken = Cell::new(0);
    let endless = stream::repeat_with(|| {
        taken.set(taken.get() + 1);
        Ok::<_, Error>(Bytes::from(vec![0; 16]))
    });
    let tensors = decode_stream(vec![spec("a", 4, DType::Float32)], endless);
    let results: Vec<_> = block_on(tensors.collect());
    assert_eq!(results.len(), 2);
    let error = results.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.message(), "at least 16 bytes follow the last weight and belong to none");
    assert_eq!(taken.get(), 2);
}

#[test]
fn an_early_end_says_where() {
    let chunks = stream::iter([Ok(Bytes::from_static(&[0; 6]))]);
    let tensors = pin!(decode_stream(vec![spec("a", 1, DType::Float32), spec("b", 1, DType::Int32)], chunks));
    let error = block_on(tensors.try_collect::<Vec<Tensor>>()).unwrap_err();
    assert_eq!(error.message(), "the bytes ended inside weight `b`: 2 more are expected");
}

#[test]
fn finishing_before_taking_is_a_mistake_of_its_own() {
    let mut decoder = StreamDecoder::new(vec![spec("a", 2, DType::Int32), spec("empty", 0, DType::Float32)]);
    decoder.push(Bytes::from_static(&[0; 8]));
    assert_eq!(decoder.finish(), Err(DecodeError::NotTaken { name: "a".to_owned() }));
    assert_eq!(decoder.finish(), Err(DecodeError::NotTaken { name: "empty".to_owned() }));
    assert_eq!(decoder.finish(), Ok(()));
}

/// A tensor that cannot be decoded is passed over, whether it comes in one piece or in several.
#[test]
fn behind_a_tensor_that_fails_the_next_is_found() {
    let bad = quantized("bad", 4, DType::Int32, QuantizationDType::Float16);
    for size in [1, 3, 12] {
        let mut decoder = StreamDecoder::new(vec![bad.clone(), spec("good", 1, DType::Int32)]);
        let bytes = Bytes::from_static(&[9, 9, 9, 9, 9, 9, 9, 9, 7, 0, 0, 0]);
        bytes.chunks(size).for_each(|chunk| decoder.push(Bytes::copy_from_slice(chunk)));
        assert!(matches!(decoder.next_tensor(), Err(DecodeError::Float16NeedsFloat32 { .. })), "chunks of {size}");
        assert_eq!(decoder.next_tensor().unwrap().unwrap().as_i32(), Some(&[7][..]));
        decoder.finish().unwrap();
    }
}

/// Codes of integers, cut anywhere.
#[test]
fn quantized_integers_stream() {
    let int32 = quantized("w", 3, DType::Int32, QuantizationDType::Uint16);
    for size in 1..=6 {
        let mut decoder = StreamDecoder::new(vec![int32.clone()]);
        Bytes::from_static(&[1, 0, 2, 0, 0, 1])
            .chunks(size)
            .for_each(|chunk| decoder.push(Bytes::copy_from_slice(chunk)));
        let tensor = decoder.next_tensor().unwrap().unwrap();
        assert_eq!(tensor.as_i32(), Some(&[3, 5, 513][..]), "chunks of {size}");
    }
}

/// What a spec says costs nothing before its bytes come.
#[test]
fn a_huge_spec_allocates_nothing_of_its_size() {
    let most = (1 << 53) - 1;
    for huge in [spec("w", most, DType::Float32), spec("w", most, DType::Bool), spec("w", most, DType::String)] {
        let mut decoder = StreamDecoder::new(vec![huge]).with_limits(&Limits::none());
        decoder.push(Bytes::from_static(&[1, 0, 0, 0, 5]));
        assert_eq!(decoder.next_tensor(), Ok(None));
        assert!(matches!(decoder.finish(), Err(DecodeError::Ended { .. })));
    }
}

/// What specs claim is compared before a byte has come, and the length of a string before its bytes have.
#[test]
fn limits_hold_before_the_bytes_come() {
    let check = |specs: Vec<WeightSpec>, bytes: &'static [u8], limit, most| {
        let run = |most| {
            let mut decoder = StreamDecoder::new(specs.clone()).with_limits(&Limits::none().with(limit, most));
            decoder.push(Bytes::from_static(bytes));
            while decoder.next_tensor()?.is_some() {}
            decoder.finish()
        };
        run(most).unwrap();
        let error = run(most - 1).unwrap_err();
        assert!(matches!(&error, DecodeError::Limit(error) if error.limit == limit), "{error}");
        assert_eq!(Error::from(error).kind(), ErrorKind::LimitExceeded);
    };
    let two = || vec![spec("a", 1, DType::Float32), spec("bc", 1, DType::Float32)];
    check(two(), &[0; 8], Limit::Tensors, 2);
    check(two(), &[0; 8], Limit::NameBytes, 2);
    check(two(), &[0; 8], Limit::Rank, 1);
    check(two(), &[0; 8], Limit::WeightBytes, 8);
    check(two(), &[0; 8], Limit::DecodedBytes, 8);
    let strings = || vec![spec("s", 2, DType::String)];
    check(strings(), b"\x03\0\0\0abc\x01\0\0\0a", Limit::StringElements, 2);
    check(strings(), b"\x03\0\0\0abc\x01\0\0\0a", Limit::StringBytes, 3);

    let mut decoder = StreamDecoder::new(vec![spec("s", 1 << 40, DType::String)]);
    let error = decoder.next_tensor().unwrap_err();
    assert!(matches!(&error, DecodeError::Limit(error) if error.limit == Limit::StringElements), "{error}");
    let chunks = stream::iter([Ok(Bytes::from_static(&[0xff; 4]))]);
    let tensors = decode_stream(vec![spec("s", 1, DType::String)], chunks);
    let error = block_on(tensors.try_collect::<Vec<Tensor>>()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
}
