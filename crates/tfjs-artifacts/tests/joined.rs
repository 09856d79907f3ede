//! Groups that become one.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use futures::executor::block_on;
use tfjs_artifacts::*;

fn group(tensors: &[(&str, DType)], bytes: u64) -> WeightGroup {
    let spec = |(name, dtype): &(&str, DType)| WeightSpec::new(*name, Shape::vector(2).unwrap(), dtype.clone());
    let path = format!("{}.bin", tensors.first().map_or("none", |(name, _)| name));
    let mut group =
        WeightGroup::new(tensors.iter().map(spec).collect(), vec![Shard::new(path.parse().unwrap(), bytes)]);
    group.unknown.push(("note".to_owned(), RawJson::null()));
    group
}

fn weights(groups: Vec<WeightGroup>, bytes: &[u8], surplus: SurplusBytes) -> Weights {
    Weights::new(groups, bytes.to_vec().into(), surplus).unwrap()
}

fn joined(weights: &Weights) -> Result<Weights, Error> {
    block_on(weights.joined("w.bin".parse().unwrap()))
}

fn bytes(weights: &Weights) -> Bytes {
    block_on(weights.data().read(0..weights.data().byte_length())).unwrap()
}

#[test]
fn tensors_and_bytes_stay_in_their_order() {
    let groups =
        vec![group(&[("a", DType::Bool), ("s", DType::String)], 11), group(&[], 0), group(&[("b", DType::Bool)], 2)];
    let all = b"\x01\x02\x01\0\0\0x\0\0\0\0\x03\x04";
    let joined = joined(&weights(groups, all, SurplusBytes::Reject)).unwrap();
    assert_eq!(bytes(&joined), all.as_slice());
    let [group] = joined.groups() else { panic!("{:?}", joined.groups()) };
    assert_eq!(group.weights.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>(), ["a", "s", "b"]);
    assert_eq!(group.shards, [Shard::new("w.bin".parse().unwrap(), 13)]);
    // They were about other sets of tensors.
    assert!(group.unknown.is_empty());
}

#[test]
fn what_belongs_to_no_tensor_goes_where_it_would_be_in_the_way() {
    let groups = vec![group(&[("a", DType::Bool)], 3), group(&[], 1), group(&[("b", DType::Bool)], 3)];
    let mut weights = weights(groups, b"\x01\x02?!\x03\x04?", SurplusBytes::Allow);
    assert_eq!(bytes(&joined(&weights).unwrap()), b"\x01\x02\x03\x04".as_slice());
    // One group is what it was.
    let one = vec![group(&[("a", DType::Bool)], 3)];
    weights = Weights::new(one, b"\x01\x02?".to_vec().into(), SurplusBytes::Allow).unwrap();
    assert_eq!(bytes(&joined(&weights).unwrap()), b"\x01\x02?".as_slice());
    assert_eq!(joined(&weights).unwrap().groups()[0].unknown.len(), 1);
}

#[test]
fn a_checksum_goes_with_the_bytes_that_it_was_of() {
    let mut first = group(&[("a", DType::Bool)], 3);
    first.shards[0].sha256 = Some(Sha256::of(b"\x01\x02?"));
    let mut empty = group(&[], 0);
    empty.shards.clear();
    let weights = weights(vec![first, empty], b"\x01\x02?", SurplusBytes::Allow);
    assert_eq!(joined(&weights).unwrap().shards().next().unwrap().sha256, None);
}

#[test]
fn tensors_that_could_not_be_told_apart_are_refused() {
    let odd = || DType::Other("float8".into());
    let groups = vec![group(&[("a", odd())], 3), group(&[("b", odd())], 3)];
    let apart = weights(groups, b"xxxyyy", SurplusBytes::Reject);
    let error = joined(&apart).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let message =
        "the dtype of tensor `a` is unknown, and in one group with all others nobody could tell where its bytes lie";
    assert_eq!(error.to_string(), message);
    // One of them takes what is left.
    let groups = vec![group(&[("a", odd())], 3), group(&[("b", DType::Bool)], 2)];
    assert!(joined(&weights(groups, b"xxx\x01\x02", SurplusBytes::Reject)).is_ok());
    let alone = weights(vec![group(&[("a", odd())], 3)], b"xxx", SurplusBytes::Allow);
    assert!(joined(&alone).is_ok());
}
