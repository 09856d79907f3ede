//! Checksums in the manifest, and layouts that weights are cut by.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::num::NonZeroU64;

use futures::executor::block_on;
use tfjs_artifacts::*;

/// One group of three bools in the files `s` and `t`, with this `sha256`.
fn manifest(sha256: &str) -> String {
    format!(r#"[{{"paths":["s","t"],"weights":[{{"name":"a","shape":[3],"dtype":"bool"}}],"sha256":{sha256},"z":0}}]"#)
}

fn load(text: &str, shards: [&[u8]; 2]) -> Result<ModelArtifacts, Error> {
    let segments = shards.iter().map(|shard| Segment::Memory(Bytes::copy_from_slice(shard))).collect();
    block_on(ModelJson::parse(text.as_bytes())?.assemble(segments, SurplusBytes::Reject))
}

fn layout(weights: &Weights, sharding: Sharding) -> ShardLayout {
    ShardLayout::new(weights, &ShardNames::for_model("model").unwrap(), sharding).unwrap()
}

fn of_size(bytes: u64) -> Sharding {
    Sharding::Bytes(NonZeroU64::new(bytes).unwrap())
}

fn written(artifacts: &ModelArtifacts, layout: &ShardLayout) -> String {
    encode_model_json(artifacts, Some(layout)).unwrap()
}

/// The digests of these files as a list in JSON.
fn list(shards: [&[u8]; 2]) -> String {
    let [s, t] = shards.map(|shard| Sha256::of(shard).to_string());
    format!(r#"["{s}","{t}"]"#)
}

const SHARDS: [&[u8]; 2] = [b"\x07\x07", b"\x08"];

#[test]
fn they_are_compared_and_written() {
    let digests = list(SHARDS);
    let right = load(&manifest(&digests), SHARDS).unwrap();
    let text = written(&right, &layout(right.weights.as_ref().unwrap(), Sharding::Keep));
    assert!(text.contains(&format!(r#""sha256":{digests},"z":0"#)), "{text}");
    let error = load(&manifest(&digests), [b"\x07\x07", b"\x09"]).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("shard `t` has the SHA-256 2b4c342f5433"), "{message}");
    assert!(message.ends_with(": its bytes were changed or damaged"), "{message}");
    let error = load(&manifest(&digests), [b"\x00\x07", b"\x09"]).unwrap_err().to_string();
    assert!(error.starts_with("shard `s` has the SHA-256 "), "{error}");
    assert!(error.ends_with(": its bytes were changed or damaged; so were those of `t`"), "{error}");
}

#[test]
fn all_wrong_shards_are_found_and_the_place_is_named() {
    let weights =
        load(&manifest(&list([b"\x00\x07", b"\x09"])).replace("sha256", "x"), SHARDS).unwrap().weights.unwrap();
    let mut planned = layout(&weights, Sharding::Keep);
    planned.set_checksums([Sha256::of(b"\x00\x07"), Sha256::of(b"\x09")]);
    let weights = weights.with_layout(&planned).unwrap().with_location("https://user:secret@host/model.json");
    let paths: Vec<_> =
        block_on(weights.checksum_mismatches()).unwrap().iter().map(|wrong| wrong.path.clone()).collect();
    assert_eq!(paths.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["group1-shard1of2.bin", "group1-shard2of2.bin"]);
    let error = block_on(weights.verify_checksums()).unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidData, Some(Operation::Read)));
    assert!(error.to_string().starts_with("cannot read `https://host/model.json`: shard `group1-shard1of2.bin` has"));
}

#[test]
fn the_files_around_a_range_are_compared_and_no_others() {
    let weights = load(&manifest(&list([SHARDS[0], b"\x09"])).replace("sha256", "x"), SHARDS).unwrap().weights.unwrap();
    let mut planned = layout(&weights, Sharding::Keep);
    planned.set_checksums([Sha256::of(SHARDS[0]), Sha256::of(b"\x09")]);
    let weights = weights.with_layout(&planned).unwrap();
    let first = SHARDS[0].len() as u64;
    let around = |range| block_on(weights.verify_checksums_around(range));
    assert_eq!(around(0..first).unwrap(), 1);
    assert_eq!((around(0..0).unwrap(), around(first..first).unwrap()), (0, 0));
    for range in [first..first + 1, first - 1..first + 1] {
        let error = around(range).unwrap_err().to_string();
        assert!(error.contains("shard `group1-shard2of2.bin` has the SHA-256"), "{error}");
    }
    let without = load(&manifest("1"), SHARDS).unwrap().weights.unwrap();
    assert_eq!(block_on(without.verify_checksums_around(0..first)).unwrap(), 0);
}

#[test]
fn too_few_digests_verify_nothing() {
    let weights = load(&manifest(&list(SHARDS)), SHARDS).unwrap().weights.unwrap();
    let digests = SHARDS.map(Sha256::of);
    assert!(weights.compare_checksums(&digests).is_ok());
    for few in [&digests[..0], &digests[..1]] {
        let error = weights.compare_checksums(few).unwrap_err();
        let message = format!("there are {} digests for 2 shards: not all bytes were digested", few.len());
        assert_eq!((error.message(), error.kind()), (message.as_str(), ErrorKind::InvalidData));
    }
}

#[test]
fn a_damaged_list_is_an_error() {
    let good = Sha256::of(b"").to_string();
    let tail = "correct it, or remove the list to load without checksums";
    for (damaged, index, found) in [
        (format!(r#"["{good}","{}"]"#, &good[1..]), 1, format!(r#""{}""#, &good[1..])),
        (format!(r#"["{good}",null]"#), 1, "null".to_owned()),
        (format!(r#"["{0}","{0}"]"#, &good[1..]), 0, format!(r#""{}""#, &good[1..])),
        (format!(r#"[["{good}"],"{good}"]"#), 0, format!(r#"["{good}"]"#)),
    ] {
        let error = ModelJson::parse(manifest(&damaged).as_bytes()).unwrap_err();
        let message = format!(
            "weightsManifest[0].sha256[{index}] should be a SHA-256 digest of 64 hex digits, found `{found}`; {tail}"
        );
        assert_eq!(error.to_string(), message);
    }
    for (list, count) in [("[]".to_owned(), 0), (format!(r#"["{good}"]"#), 1)] {
        let error = ModelJson::parse(manifest(&list).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("weightsManifest[0] has {count} checksums for 2 files"));
    }
}

/// Whatever else somebody keeps under that name stays, but not beside our checksums, and no list about other files.
#[test]
fn keys_of_others_stay_while_they_can() {
    for (theirs, survives_a_cut) in [(r#"{"s": 1.0}"#, true), ("7", true), (r#"["xyz", "abc"]"#, false)] {
        let artifacts = load(&manifest(theirs), SHARDS).unwrap();
        let weights = artifacts.weights.clone().unwrap();
        let theirs = format!(r#""sha256":{theirs},"z":0"#);
        let mut planned = layout(&weights, Sharding::Keep);
        assert!(written(&artifacts, &planned).contains(&theirs));

        let cut = layout(&weights, of_size(1));
        assert_eq!(written(&artifacts, &cut).contains(&theirs), survives_a_cut);
        let again = artifacts.clone().with_weights(weights.with_layout(&cut).unwrap());
        let text = written(&again, &layout(again.weights.as_ref().unwrap(), Sharding::Keep));
        assert_eq!(text.contains(&theirs), survives_a_cut);
        assert!(text.contains(r#""z":0"#), "{text}");

        planned.set_checksums(SHARDS.map(Sha256::of));
        let text = written(&artifacts, &planned);
        assert!(text.contains(&format!(r#""sha256":{},"z":0"#, list(SHARDS))), "{text}");
        assert!(load(&text, SHARDS).is_ok());
    }
}

#[test]
fn a_layout_is_for_the_weights_that_it_was_made_for() {
    let group = |name: &str, bytes: u64| {
        let spec = WeightSpec::new(name, Shape::vector(bytes).unwrap(), DType::Bool);
        WeightGroup::new(vec![spec], vec![Shard::new(name.parse().unwrap(), bytes)])
    };
    let weights = |lengths: &[u64]| {
        let groups = lengths.iter().enumerate().map(|(index, &bytes)| group(&index.to_string(), bytes)).collect();
        let total = usize::try_from(lengths.iter().sum::<u64>()).unwrap();
        Weights::new(groups, vec![0; total].into(), SurplusBytes::Reject).unwrap()
    };
    let ours = weights(&[4, 2]);
    let artifacts = ModelArtifacts::new().with_weights(ours.clone());
    for (others, difference) in [
        (&[4][..], "there are 2 groups, but files for 1"),
        (&[4, 2, 0], "there are 2 groups, but files for 3"),
        (&[3, 3], "group 1 has 4 bytes, but files for 3"),
        (&[4, 3], "group 2 has 2 bytes, but files for 3"),
        (&[], "there are 2 groups, but files for 0"),
    ] {
        for sharding in [Sharding::Keep, of_size(1)] {
            let foreign = layout(&weights(others), sharding);
            let message = format!("the files were planned for other weights: {difference}");
            assert_eq!(ours.with_layout(&foreign).unwrap_err().to_string(), message);
            assert_eq!(encode_model_json(&artifacts, Some(&foreign)).unwrap_err().to_string(), message);
            assert_eq!(encode_manifest(&ours, &foreign).unwrap_err().to_string(), message);
        }
    }
    assert!(ours.with_layout(&layout(&ours, of_size(1))).is_ok());
}

#[test]
fn one_file_of_one_group_keeps_its_keys_and_its_checksum() {
    let join = |text: &str, shards: [&[u8]; 2]| {
        let artifacts = load(text, shards).unwrap();
        let joined = block_on(artifacts.weights.as_ref().unwrap().joined(RelPath::parse("w").unwrap())).unwrap();
        let layout = layout(&joined, Sharding::Keep);
        written(&artifacts.with_weights(joined), &layout)
    };
    // Two files were something else, and so is what somebody said about each of them.
    for sha256 in [list(SHARDS), r#"["xyz","abc"]"#.to_owned()] {
        let text = join(&manifest(&sha256), SHARDS);
        assert!(!text.contains("sha256") && text.contains(r#""z":0"#), "{text}");
    }
    let digest = Sha256::of(b"\x07\x07\x08");
    let one = manifest(&format!("[\"{digest}\"]")).replace(r#""s","t""#, r#""s""#);
    let bytes = Bytes::from_static(b"\x07\x07\x08");
    let loaded = ModelJson::parse(one.as_bytes()).unwrap();
    let loaded = block_on(loaded.assemble(vec![Segment::Memory(bytes)], SurplusBytes::Reject)).unwrap();
    let joined = block_on(loaded.weights.unwrap().joined(RelPath::parse("w").unwrap())).unwrap();
    assert_eq!(joined.shards().next().unwrap().sha256, Some(digest));
}
