//! Quantization against what the Python converter writes (vectors I, made with NumPy 2), and what holds for any weights.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::ops::Range;
use std::sync::Arc;

use futures::executor::block_on;
use proptest::prelude::*;
use tfjs_artifacts::{
    ByteSource, Bytes, DType, Error, ErrorKind, RelPath, Segment, Shape, Shard, ShardLayout, ShardNames, Sharding,
    SurplusBytes, TensorPlace, WeightData, WeightGroup, WeightSpec, Weights, async_trait, encode_manifest,
};
use tfjs_weights::{
    QuantizationReport, QuantizationRule, QuantizationRules, QuantizeError, QuantizeTo, Tensor, decode, decode_weights,
    encode_weights, quantize, quantize_into, quantize_weights,
};

fn vector(name: &str, values: &[f32]) -> Tensor {
    Tensor::float32(name, Shape::vector(values.len() as u64).unwrap(), values.to_vec()).unwrap()
}

fn path(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn rules(texts: &[&str]) -> QuantizationRules {
    let parse = |text: &&str| text.parse::<QuantizationRule>().unwrap();
    QuantizationRules::new(texts.iter().map(parse)).unwrap()
}

/// One group in one file.
fn single(tensors: Vec<Tensor>) -> Weights {
    let (specs, data) = encode_weights(tensors, None);
    Weights::single(specs, path("w.bin"), data).unwrap()
}

fn bytes_of(weights: &Weights) -> Vec<u8> {
    block_on(weights.data().read(0..weights.data().byte_length())).unwrap().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Checks codes and the text of the manifest for one tensor.
#[track_caller]
fn check(values: &[f32], to: QuantizeTo, codes: &str, manifest: &str) {
    let (spec, quantized) = quantize(&vector("w", values), to).unwrap();
    assert_eq!(hex(&quantized), codes);
    let json = spec.quantization.as_ref().unwrap().to_json().unwrap();
    assert_eq!(json.get(), manifest);
    assert_eq!((spec.dtype.clone(), spec.shape.size()), (DType::Float32, values.len() as u64));
    assert_eq!(decode(&spec, &[quantized]).unwrap().shape().size(), values.len() as u64);
}

/// Checks uint8 or uint16 codes of one tensor.
#[track_caller]
fn check_affine(values: &[f32], to: QuantizeTo, codes: &str, min: &str, scale: &str) {
    let manifest = format!(r#"{{"dtype":"{to}","min":{min},"scale":{scale},"original_dtype":"float32"}}"#);
    check(values, to, codes, &manifest);
}

#[test]
fn vector_i_uint8() {
    let to = QuantizeTo::Uint8;
    check_affine(&[0., -0.1, 1.2], to, "1400ff", "-0.10196078817049663", "0.0050980394085248315");
    check_affine(&[0., 1., 2., 3.], to, "0055aaff", "-0.0", "0.011764705882352941");
    check_affine(&[1.; 5], to, "0000000000", "1.0", "1.0");
    let values = [-0.290_981_26, -0.247_769_03, -0.272_488_42, 0.238_482_03];
    check_affine(&values, to, "001509ff", "-0.290685728484509", "0.0020763266320322073");
    check_affine(&[6., 7.], to, "00ff", "6.0", "0.00392156862745098");
}

/// As NumPy 2 has it; NumPy 1 has the code 7f in the middle.
#[test]
fn vector_i_uint8_halves_are_decided_in_double_precision() {
    check_affine(&[1., 2., 3.], QuantizeTo::Uint8, "0080ff", "1.0", "0.00784313725490196");
}

#[test]
fn vector_i_uint16() {
    let to = QuantizeTo::Uint16;
    check_affine(&[0., -0.1, 1.2], to, "b1130000ffff", "-0.09999695197810769", "1.9836729216049928e-05");
    check_affine(&[1., 2., 3.], to, "00000080ffff", "1.0", "3.0518043793392844e-05");
}

#[test]
fn vector_i_float16() {
    check(
        &[0., 1., 2., 3., 0.1, 65504., 65520., 70000., 1e-8, 6e-8, -0., 0.333_333],
        QuantizeTo::Float16,
        "0000003c00400042662eff7b007c007c0000010000805535",
        r#"{"dtype":"float16","original_dtype":"float32"}"#,
    );
}

/// Vectors I: a group as the converter writes it, down to the text of the manifest.
#[test]
fn vector_i_group() {
    let weights = single(vec![
        vector("weight1", &[1., 2., 3.]),
        Tensor::int32("weight2", Shape::vector(2).unwrap(), vec![4, 5]).unwrap(),
        vector("weight3", &[6., 7.]),
        Tensor::string("weight4", Shape::vector(1).unwrap(), ["hello"]).unwrap(),
    ]);
    let rules = rules(&["float16=weight1", "uint8"]);
    let (quantized, _) = block_on(quantize_weights(&weights, &rules)).unwrap();
    assert_eq!(hex(&bytes_of(&quantized)), "003c00400042040000000500000000ff0500000068656c6c6f");
    let four_mib = Sharding::Bytes((4 << 20).try_into().unwrap());
    let layout = ShardLayout::new(&quantized, &ShardNames::for_model("model").unwrap(), four_mib).unwrap();
    let manifest = r#"[{"paths": ["group1-shard1of1.bin"], "weights": [{"name": "weight1", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16", "original_dtype": "float32"}}, {"name": "weight2", "shape": [2], "dtype": "int32"}, {"name": "weight3", "shape": [2], "dtype": "float32", "quantization": {"dtype": "uint8", "min": 6.0, "scale": 0.00392156862745098, "original_dtype": "float32"}}, {"name": "weight4", "shape": [1], "dtype": "string"}]}]"#;
    assert_eq!(encode_manifest(&quantized, &layout).unwrap(), manifest.replace(": ", ":").replace(", ", ","));
}

#[test]
fn reports_compare_with_what_is_decoded() {
    let weights = single(vec![vector("a", &[0., -0.1, 1.2]), vector("b", &[1.0; 3]), vector("c", &[0.1, 70000.])]);
    let (quantized, reports) = block_on(quantize_weights(&weights, &rules(&["uint8", "float16=c"]))).unwrap();
    let [a, b, c] = reports.as_slice() else { panic!("{reports:?}") };
    assert_eq!((a.name.as_str(), a.dtype), ("a", QuantizeTo::Uint8));
    assert_eq!((a.min, a.scale), (Some(-0.101_960_788_170_496_63), Some(0.005_098_039_408_524_831_5)));
    let decoded = block_on(decode_weights(&quantized)).unwrap();
    let error = |index: usize, before: f32| f64::from(decoded[0].as_f32().unwrap()[index]) - f64::from(before);
    // The smallest and the largest were clipped by as much; for the smaller one that is more.
    assert_eq!(a.max_absolute_error, error(1, -0.1).abs().max(error(2, 1.2).abs()));
    assert_eq!(a.max_relative_error, error(1, -0.1).abs() / f64::from(0.1f32));
    assert_eq!((b.max_absolute_error, b.max_relative_error), (0.0, 0.0));
    assert_eq!((c.min, c.scale), (None, None));
    assert_eq!((c.max_absolute_error, c.max_relative_error), (f64::INFINITY, f64::INFINITY));
}

#[test]
fn only_plain_float32_is_quantized() {
    let weights = single(vec![
        Tensor::int32("i", Shape::scalar(), vec![7]).unwrap(),
        Tensor::bool("b", Shape::vector(2).unwrap(), [true, false]).unwrap(),
        Tensor::complex64("c", Shape::scalar(), vec![[1.0, 2.0]]).unwrap(),
    ]);
    let (same, reports) = block_on(quantize_weights(&weights, &rules(&["uint8"]))).unwrap();
    assert_eq!((same.groups(), bytes_of(&same)), (weights.groups(), bytes_of(&weights)));
    assert_eq!(reports, []);
    let (once, reports) =
        block_on(quantize_weights(&single(vec![vector("w", &[1., 2.])]), &rules(&["uint8"]))).unwrap();
    assert_eq!(reports.len(), 1);
    let (twice, reports) = block_on(quantize_weights(&once, &rules(&["float16"]))).unwrap();
    assert_eq!((twice.groups(), bytes_of(&twice)), (once.groups(), bytes_of(&once)));
    assert_eq!(reports, []);
}

#[test]
fn what_cannot_be_quantized() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let tensor = vector("w", &[0.0, bad]);
        for to in [QuantizeTo::Uint8, QuantizeTo::Uint16] {
            let error = quantize(&tensor, to).unwrap_err();
            assert_eq!(error, QuantizeError::NotFinite { name: "w".to_owned(), to });
            let weights = single(vec![tensor.clone()]);
            let error = block_on(quantize_weights(&weights, &QuantizationRules::all(to))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let message =
                format!("cannot encode: weight `w` has infinite values or NaN, which {to} cannot hold; float16 can");
            assert_eq!(error.to_string(), message);
        }
        assert!(quantize(&tensor, QuantizeTo::Float16).is_ok());
    }
    let integers = Tensor::int32("i", Shape::scalar(), vec![7]).unwrap();
    let error = quantize(&integers, QuantizeTo::Uint8).unwrap_err();
    assert_eq!(error.to_string(), "weight `i` is `int32`; only float32 can be quantized");
    let error = quantize_into(&vector("w", &[1., 2.]), QuantizeTo::Uint16, &mut [0; 3]).unwrap_err();
    assert_eq!(error.to_string(), "the codes of weight `w` take 4 bytes, but there is memory for 3");
    let error =
        block_on(quantize_weights(&single(vec![vector("ab", &[f32::NAN])]), &rules(&["uint8=a*", "uint16=*b"])));
    assert!(error.unwrap_err().message().contains("weight `ab` matches two rules"));
}

#[test]
fn empty_tensors_and_scalars() {
    for to in [QuantizeTo::Uint8, QuantizeTo::Uint16] {
        check_affine(&[], to, "", "0.0", "1.0");
    }
    check(&[], QuantizeTo::Float16, "", r#"{"dtype":"float16","original_dtype":"float32"}"#);
    let weights = single(vec![vector("none", &[]), Tensor::float32("one", Shape::scalar(), vec![-2.5]).unwrap()]);
    let (quantized, reports) = block_on(quantize_weights(&weights, &rules(&["uint16"]))).unwrap();
    assert_eq!((bytes_of(&quantized), reports.len()), (vec![0, 0], 2));
    assert_eq!(block_on(decode_weights(&quantized)).unwrap(), block_on(decode_weights(&weights)).unwrap());
}

/// Two groups of several files: one is joined, the other stays as it is.
#[test]
fn groups_stay_and_files_of_changed_ones_become_one() {
    let (specs, data) = encode_weights([vector("a", &[1., 2.]), vector("b", &[3., 4.])], None);
    let group = |spec: &WeightSpec, paths: [&str; 2], bytes: [u64; 2]| {
        let mut shards = vec![Shard::new(path(paths[0]), bytes[0]), Shard::new(path(paths[1]), bytes[1])];
        shards[0].sha256 = Some(tfjs_artifacts::Sha256::of(b""));
        let mut group = WeightGroup::new(vec![spec.clone()], shards);
        group.unknown.push(("key".to_owned(), tfjs_artifacts::RawJson::null()));
        group
    };
    let groups = vec![group(&specs[0], ["a1", "a2"], [3, 5]), group(&specs[1], ["b1", "b2"], [1, 7])];
    let weights = Weights::new(groups, data, SurplusBytes::Reject).unwrap();
    let (quantized, _) = block_on(quantize_weights(&weights, &rules(&["uint16=a"]))).unwrap();
    assert_eq!(quantized.groups()[0].shards, [Shard::new(path("a1"), 4)]);
    assert_eq!(quantized.groups()[0].unknown, weights.groups()[0].unknown);
    assert_eq!(quantized.groups()[1], weights.groups()[1]);
    assert_eq!(bytes_of(&quantized), [&[0, 0, 0xff, 0xff][..], &bytes_of(&weights)[8..]].concat());
}

/// What belongs to no tensor, and tensors of an unknown type, pass through.
#[test]
fn other_bytes_are_kept() {
    let (mut specs, _) = encode_weights([vector("a", &[1., 2.])], None);
    specs.push(WeightSpec::new("x", Shape::scalar(), DType::Other("int128".into())));
    specs.push(WeightSpec::new("b", Shape::scalar(), DType::Float32));
    let values = [1f32, 2., 0., 0., 5.].map(f32::to_le_bytes).concat();
    let weights = Weights::single(specs, path("w"), values.clone().into()).unwrap();
    let (quantized, _) = block_on(quantize_weights(&weights, &rules(&["uint8"]))).unwrap();
    assert_eq!(bytes_of(&quantized), [0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    let groups = vec![WeightGroup::new(vec![vector("a", &[1.]).spec()], vec![Shard::new(path("w"), 20)])];
    let weights = Weights::new(groups, values.clone().into(), SurplusBytes::Allow).unwrap();
    let (quantized, _) = block_on(quantize_weights(&weights, &rules(&["uint8"]))).unwrap();
    assert_eq!(bytes_of(&quantized), [&[0], &values[4..]].concat());
    block_on(quantized.verify()).unwrap();
}

/// Leniency is not lost on the way: what could not be located before is not guessed at afterwards.
#[test]
fn what_cannot_be_located_stays_so() {
    let of_unknown_length = WeightSpec::new("odd", Shape::vector(2).unwrap(), DType::Other("float128".into()));
    let first = WeightGroup::new(
        vec![of_unknown_length, vector("b", &[1., 2.]).spec()],
        vec![Shard::new(path("first"), 2 * 16 + 8 + 4)],
    );
    let second = WeightGroup::new(vec![vector("c", &[5., 6.]).spec()], vec![Shard::new(path("second"), 8)]);
    let bytes = [&[0; 44][..], &[5f32, 6.].map(f32::to_le_bytes).concat()].concat();
    let weights = Weights::new(vec![first, second], bytes.into(), SurplusBytes::Allow).unwrap();
    let (quantized, _) = block_on(quantize_weights(&weights, &rules(&["uint8=c"]))).unwrap();
    let located = |weights: &Weights| {
        let places = block_on(weights.locate()).unwrap();
        places.iter().map(|place| matches!(place, TensorPlace::At(_))).collect::<Vec<_>>()
    };
    assert_eq!(located(&weights), [false, false, true]);
    assert_eq!(located(&quantized), located(&weights));
}

/// Bytes that come when they are asked for.
#[derive(Debug)]
struct Lazy(Bytes);

#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
impl ByteSource for Lazy {
    fn byte_length(&self) -> u64 {
        self.0.len() as u64
    }

    fn version(&self) -> Option<String> {
        None
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, Error> {
        assert!(range.end - range.start <= 1 << 20, "more than a window at once");
        Ok(self.0.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }
}

/// The same weights, with their bytes cut into pieces, some or all of which are lazy.
fn cut(weights: &Weights, cuts: &[usize], is_lazy: impl Fn(usize) -> bool) -> Weights {
    let mut rest = Bytes::from(bytes_of(weights));
    let mut segments = Vec::new();
    for (index, cut) in cuts.iter().cycle().enumerate() {
        if rest.is_empty() {
            break;
        }
        let piece = rest.split_to((*cut).min(rest.len()));
        let lazy = is_lazy(index);
        segments.push(if lazy { Segment::lazy(Arc::new(Lazy(piece))) } else { Segment::Memory(piece) });
    }
    let data = WeightData::from_segments(segments);
    Weights::new(weights.groups().to_vec(), data, SurplusBytes::Reject).unwrap()
}

/// Several windows, each a megabyte: lazily read in windows, computed when read, and the same as in memory.
#[test]
fn lazy_weights_stay_lazy_and_become_the_same() {
    let values: Vec<f32> =
        (0..700_001u32).map(|index| f32::from_bits(index.wrapping_mul(0x9e37_79b1) & 0xbfff_ffff)).collect();
    let weights = single(vec![vector("w", &values), vector("v", &[1.0, 2.0])]);
    for to in ["uint8", "uint16", "float16"] {
        let (in_memory, expected) = block_on(quantize_weights(&weights, &rules(&[to]))).unwrap();
        assert!(in_memory.data().is_in_memory());
        let lazy = cut(&weights, &[usize::MAX], |_| true);
        let (lazy, reports) = block_on(quantize_weights(&lazy, &rules(&[to]))).unwrap();
        assert!(lazy.data().segments().all(|segment| matches!(segment, Segment::Lazy { .. })));
        assert_eq!((bytes_of(&lazy), reports), (bytes_of(&in_memory), expected));
        assert_eq!(lazy.groups(), in_memory.groups());
        block_on(lazy.load(|_| {})).unwrap();
    }
}

/// How far a value may be from what it was: half a step, and what float32 rounds.
fn is_near(report: &QuantizationReport, before: &[f32], after: &[f32]) -> bool {
    let (Some(scale), Some(min)) = (report.scale, report.min) else { return false };
    // Where the range was moved for the sake of zero, the ends may be half a step further away.
    let largest = before.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let rounding = f64::from(largest) * f64::from(f32::EPSILON) + f64::from(f32::from_bits(1)) + min.abs() * 1e-15;
    before.iter().zip(after).all(|(&before, &after)| {
        let error = (f64::from(before) - f64::from(after)).abs();
        error <= scale / 2.0 + rounding && error <= report.max_absolute_error
    })
}

fn values() -> impl Strategy<Value = Vec<f32>> {
    let finite = |bits: u32| Some(f32::from_bits(bits)).filter(|value| value.is_finite());
    prop_oneof![
        prop::collection::vec(-1.0f32..1.0, 0..60),
        prop::collection::vec((-9i8..9).prop_map(f32::from), 0..60),
        prop::collection::vec(100.0f32..101.0, 0..60),
        prop::collection::vec((0u32..5000).prop_map(f32::from_bits), 0..60),
        prop::collection::vec(any::<u32>().prop_filter_map("finite", finite), 0..60),
    ]
}

proptest! {
    #[test]
    fn values_move_by_half_a_step_at_most(values in values(), wide in any::<bool>()) {
        let rules = QuantizationRules::all(if wide { QuantizeTo::Uint16 } else { QuantizeTo::Uint8 });
        let weights = single(vec![vector("w", &values)]);
        let (quantized, reports) = block_on(quantize_weights(&weights, &rules)).unwrap();
        let decoded = block_on(decode_weights(&quantized)).unwrap();
        let after = decoded[0].as_f32().unwrap();
        prop_assert!(is_near(&reports[0], &values, after));
        // Zero stays zero, wherever it lies in the range.
        for (before, after) in values.iter().zip(after) {
            prop_assert!(*before != 0.0 || *after == 0.0);
        }
        // One tensor and a model of one tensor are the same.
        let (_, codes) = quantize(&vector("w", &values), reports[0].dtype).unwrap();
        prop_assert_eq!(bytes_of(&quantized), codes);
    }

    #[test]
    fn cuts_and_laziness_do_not_matter(
        tensors in prop::collection::vec(values(), 1..4),
        cuts in prop::collection::vec(1usize..60, 1..20),
        lazy in any::<u32>(),
        to in prop::sample::select(vec!["uint8", "uint16", "float16"]),
        range in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let tensors = tensors.iter().enumerate().map(|(index, values)| vector(&index.to_string(), values)).collect();
        let weights = single(tensors);
        let rules = rules(&[to, "uint16=1"]);
        let (expected, expected_reports) = block_on(quantize_weights(&weights, &rules)).unwrap();
        let (quantized, reports) =
            block_on(quantize_weights(&cut(&weights, &cuts, |index| lazy >> (index % 32) & 1 == 1), &rules)).unwrap();
        let all = bytes_of(&expected);
        prop_assert_eq!(bytes_of(&quantized), &all[..]);
        prop_assert_eq!(reports, expected_reports);
        prop_assert_eq!(quantized.groups(), expected.groups());
        // Any range, also one that begins or ends inside a code.
        let (a, b) = (range.0.index(all.len() + 1), range.1.index(all.len() + 1));
        let (start, end) = (a.min(b), a.max(b));
        prop_assert_eq!(block_on(quantized.data().read(start as u64..end as u64)).unwrap(), &all[start..end]);
    }
}

#[test]
fn memory_of_another_length_is_the_fault_of_neither_the_weights_nor_the_rules() {
    let error = quantize_into(&vector("w", &[1.0, 2.0]), QuantizeTo::Uint16, &mut [0; 3]).unwrap_err();
    assert_eq!(error, QuantizeError::Length { name: "w".to_owned(), expected: 4, actual: 3 });
    let message = "cannot encode: the codes of weight `w` take 4 bytes, but there is memory for 3";
    assert_eq!(
        (Error::from(error.clone()).kind(), Error::from(error).to_string().as_str()),
        (ErrorKind::Unexpected, message)
    );
}
