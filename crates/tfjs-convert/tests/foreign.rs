//! Files that others wrote, by accident or on purpose.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use tfjs_artifacts::{DType, Error, ErrorKind, Limit, Limits, ModelArtifacts, WeightData};
use tfjs_convert::{ImportOptions, Note, from_npz, from_safetensors};
use tfjs_router::LoadOptions;
use tfjs_weights::decode_weights;

type Loaded = Result<(ModelArtifacts, Vec<Note>), Error>;

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), data].concat()
}

async fn load_safetensors(bytes: Vec<u8>, import: ImportOptions, limits: Limits) -> Loaded {
    from_safetensors(&WeightData::from(bytes), import, &LoadOptions::new().with_limits(limits)).await
}

async fn load_npz(bytes: Vec<u8>, import: ImportOptions) -> Loaded {
    from_npz(&WeightData::from(bytes), import, &LoadOptions::new()).await
}

fn npy(descr: &str, is_fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", length.as_slice(), text.as_bytes(), data].concat()
}

/// A member of an archive, and what the archive says of it.
struct Member {
    name: &'static str,
    method: u8,
    stored: Vec<u8>,
    size: usize,
    checksum: u32,
}

/// A ZIP archive of these members, as they are.
fn archive(members: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let member = |(name, bytes): &(&'static str, Vec<u8>)| Member {
        name,
        method: 0,
        stored: bytes.clone(),
        size: bytes.len(),
        checksum: crc32fast::hash(bytes),
    };
    archive_of(&members.iter().map(member).collect::<Vec<_>>())
}

fn archive_of(members: &[Member]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for Member { name, method, stored: bytes, size, checksum } in members {
        let [length, size] = [bytes.len(), *size].map(|length| u32::try_from(length).unwrap().to_le_bytes());
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let at = u32::try_from(file.len()).unwrap().to_le_bytes();
        let checksum = checksum.to_le_bytes();
        let fixed = [20, 0, 0, 0, *method, 0, 0, 0, 0x21, 0];
        let common = [&fixed, checksum.as_slice(), &length, &size, &name_length, &[0; 2]];
        file.extend([b"PK\x03\x04", common.concat().as_slice(), name.as_bytes(), bytes].concat());
        directory.extend([b"PK\x01\x02\x14\0", common.concat().as_slice(), &[0; 10], &at, name.as_bytes()].concat());
    }
    let count = u16::try_from(members.len()).unwrap().to_le_bytes();
    let [length, start] = [directory.len(), file.len()].map(|number| u32::try_from(number).unwrap().to_le_bytes());
    [
        file,
        directory,
        b"PK\x05\x06\0\0\0\0".to_vec(),
        count.to_vec(),
        count.to_vec(),
        length.to_vec(),
        start.to_vec(),
        vec![0; 2],
    ]
    .concat()
}

/// A header of one or several tensors and how many bytes follow; what the error says.
#[tokio::test]
async fn headers_that_lie() {
    let cases: &[(&str, usize, &str)] = &[
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, 8, "takes 4 bytes, but has 8"),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "before its beginning"),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 8, "have 4 bytes, but the file has 8"),
        (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "leaves a hole"),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            8,
            "overlaps",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#,
            2,
            "two tensors `a`",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,0]}}"#,
            0,
            "takes more than 2^64 bytes",
        ),
        (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "not what safetensors have"),
        (r#"{"a":{"dtype":"F32","shape":[1]}}"#, 4, "not what safetensors have"),
        (r#"{"a":[]}"#, 0, "not what safetensors have"),
        (r#"{"__metadata__":{"a":1}}"#, 0, "not what safetensors have"),
        (r#"{"__metadata__":{"a":"1","a":"2"}}"#, 0, "twice"),
        (r#"{"__metadata__":{"tfjs.bridge":"2"}}"#, 0, "use a newer one"),
        (r#"{"__metadata__":{"tfjs.bridge":"1"}}"#, 0, "no readable `tfjs.model`"),
        (
            r#"{"__metadata__":{"tfjs.bridge":"1","tfjs.model":"{\"weightsManifest\":[{\"paths\":[\"w\"],\"weights\":[{\"name\":\"w\",\"shape\":[9],\"dtype\":\"bool\"}]}]}","tfjs.shardBytes":"[9]"}}"#,
            0,
            "`w` is missing",
        ),
        (
            r#"{"__metadata__":{"tfjs.bridge":"1","tfjs.model":"{\"modelTopology\":{}}","tfjs.shardBytes":"[18446744073709551615]"},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
            0,
            "`w` is not in the metadata",
        ),
        ("[]", 0, "no JSON object"),
    ];
    for (header, bytes, expected) in cases {
        let error = load_safetensors(safetensors(header, &vec![0; *bytes]), ImportOptions::new(), Limits::new()).await;
        let error = error.unwrap_err();
        let said = format!("{error} {:?}", std::error::Error::source(&error));
        assert!(error.message().contains(expected), "{header}: {said}");
    }
    for (bytes, expected) in [
        (b"short".to_vec(), "too few"),
        (vec![255; 9], "cut short or no safetensors file"),
        (b"<!doctype html><html>".to_vec(), "HTML"),
        (safetensors(&"[".repeat(100_000), b""), "no JSON object"),
        (safetensors(&format!(r#"{{"a":{}"#, "[".repeat(100_000)), b""), "not what safetensors have"),
    ] {
        let error = load_safetensors(bytes, ImportOptions::new(), Limits::new()).await.unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn limits_hold() {
    let header = r#"{"a":{"dtype":"BOOL","shape":[1,1,1],"data_offsets":[0,1]},"bc":{"dtype":"BOOL","shape":[1],"data_offsets":[1,2]}}"#;
    let bytes = safetensors(header, &[0, 1]);
    for (limit, most) in [
        (Limit::JsonBytes, 100),
        (Limit::Tensors, 1),
        (Limit::Rank, 2),
        (Limit::NameBytes, 1),
        (Limit::WeightBytes, 1),
        (Limit::DecodedBytes, 1),
    ] {
        let limits = Limits::new().with(limit, most);
        let error = load_safetensors(bytes.clone(), ImportOptions::new(), limits).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{limit}: {error}");
        assert!(
            load_safetensors(bytes.clone(), ImportOptions::new(), limits.with(limit, 500)).await.is_ok(),
            "{limit}"
        );
        let archive = archive(&[
            ("a.npy", npy("'|b1'", false, "(1, 1, 1)", &[0])),
            ("bc.npy", npy("'|b1'", false, "(1,)", &[1])),
        ]);
        let options = LoadOptions::new().with_limits(limits);
        let error = from_npz(&WeightData::from(archive), ImportOptions::new(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{limit}: {error}");
    }
}

#[tokio::test]
async fn all_types_that_cannot_be_are_listed() {
    let header = r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},"c":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[16,18]},"d":{"dtype":"F16","shape":[1],"data_offsets":[18,20]}}"#;
    let mut data = 0.1f64.to_le_bytes().to_vec();
    data.extend_from_slice(&(-3i64).to_le_bytes());
    let without = header.replace("F8_E4M3", "I8");
    let bytes = |header: &str| safetensors(header, &[data.as_slice(), &[1, 255, 0, 60]].concat());
    let error = load_safetensors(bytes(header), ImportOptions::new(), Limits::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.message(),
        "TensorFlow.js has no such types: `c` F8_E4M3, `a` F64, `b` I64; on request \
         (`ImportOptions::with_converted_dtypes`, `--convert-dtypes`) become F64 to float32 (rounded), I64 to int32 (if \
         they fit); of 1 of them nothing can become"
    );
    let converts = ImportOptions::new().with_converted_dtypes();
    assert!(load_safetensors(bytes(header), converts, Limits::new()).await.is_err());
    let (artifacts, notes) = load_safetensors(bytes(&without), converts, Limits::new()).await.unwrap();
    assert_eq!(notes.iter().filter(|note| note.kind.is_lost()).count(), 1);
    let tensors = decode_weights(artifacts.weights.as_ref().unwrap()).await.unwrap();
    assert_eq!(tensors[0].as_f32(), Some(&[0.1f32][..]));
    assert_eq!(tensors[1].as_i32(), Some(&[-3][..]));
    assert_eq!(tensors[2].as_i32(), Some(&[1, -1][..]));
    assert_eq!(tensors[3].as_f32(), Some(&[1.0][..]));
}

#[tokio::test]
async fn the_metadata_of_others_is_kept() {
    let header = r#"{"__metadata__":{"format":"pt","é":"\n"},"a":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}"#;
    let (artifacts, _) =
        load_safetensors(safetensors(header, &[0; 8]), ImportOptions::new(), Limits::new()).await.unwrap();
    let kept = artifacts.unknown.iter().find(|(key, _)| key == "safetensorsMetadata").unwrap();
    assert_eq!(kept.1.get(), r#"{"format":"pt","é":"\n"}"#);
    assert_eq!(artifacts.weights.as_ref().unwrap().specs().next().unwrap().dtype, DType::Complex64);
    let (bytes, _) = tfjs_convert::to_safetensors(&artifacts).await.unwrap();
    let bytes = bytes.read(0..bytes.byte_length()).await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#""format":"pt","tfjs.bridge":"1""#), "{text}");
    let again = load_safetensors(bytes.to_vec(), ImportOptions::new(), Limits::new()).await.unwrap().0;
    tfjs_testkit::assert_same_model(&again, &artifacts);
}

#[tokio::test]
async fn arrays_of_any_order() {
    let rows = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let columns: Vec<u8> = [1f32, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|value| value.to_be_bytes()).collect();
    let bytes = archive(&[
        ("dense/kernel:0.npy", npy("'>f4'", true, "(2, 3)", &columns)),
        ("s.npy", npy("'<i4'", true, "()", &[7, 0, 0, 0])),
    ]);
    let (artifacts, notes) = load_npz(bytes, ImportOptions::new()).await.unwrap();
    assert!(notes.is_empty());
    let tensors = decode_weights(artifacts.weights.as_ref().unwrap()).await.unwrap();
    assert_eq!((tensors[0].name(), tensors[0].as_f32()), ("dense/kernel:0", Some(&rows[..])));
    assert_eq!(tensors[1].as_i32(), Some(&[7][..]));
}

#[tokio::test]
async fn archives_that_lie() {
    let good = || npy("'<f4'", false, "(1,)", &[0; 4]);
    let refused = async |bytes: Vec<u8>, expected: &str| {
        let error = load_npz(bytes, ImportOptions::new()).await.unwrap_err();
        assert!(error.message().contains(expected), "{expected}: {error}");
    };
    refused(b"PK".to_vec(), "no ZIP archive").await;
    refused(Vec::new(), "no ZIP archive").await;
    refused(archive(&[("readme.txt", vec![1])]), "no arrays: `readme.txt`").await;
    refused(archive(&[("a.npy", b"no".to_vec())]), "`a`: it is no .npy file").await;
    refused(archive(&[("a.npy", npy("'<f4'", false, "(2,)", &[0; 4]))]), "takes 8 bytes, but there are 4").await;
    refused(
        archive(&[("a.npy", npy("'<f4'", false, "(4294967296, 4294967296, 4294967296)", &[0; 4]))]),
        "more than 2^64",
    )
    .await;
    refused(
        archive(&[("a.npy", npy("'|O'", false, "(1,)", &[0; 4])), ("b.npy", npy("'<U3'", false, "()", &[0; 12]))]),
        "`a` |O, `b` <U3",
    )
    .await;
    refused(archive(&[("__tfjs__.json", b"[]".to_vec())]), "no JSON object of strings").await;

    // What the directory says of the second member is made what it says of the first.
    let two = archive(&[("a.npy", good()), ("b.npy", good())]);
    let entries: Vec<_> =
        two.windows(4).enumerate().filter(|(_, window)| *window == b"PK\x01\x02").map(|(at, _)| at).collect();
    let [first, second] = entries[..] else { panic!("{entries:?}") };
    let mut overlapping = two.clone();
    overlapping.copy_within(first..second, second);
    refused(overlapping, "two members `a.npy`").await;
    let mut overlapping = two.clone();
    let name = two.windows(5).position(|window| window == b"b.npy").unwrap();
    overlapping[name..name + 5].copy_from_slice(b"a.npy");
    refused(overlapping, "another name").await;

    let mut damaged = archive(&[("a.npy", good())]);
    let at = damaged.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    damaged[at - 1] ^= 1;
    refused(damaged, "its checksum is another one").await;
    for at in 0..two.len() {
        // Wherever it is cut, it is no archive any more.
        assert!(load_npz(two[..at].to_vec(), ImportOptions::new()).await.is_err(), "{at}");
    }
}

#[tokio::test]
async fn what_is_compressed_is_what_it_says() {
    let values: Vec<u8> = (0..300_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
    let array = npy("'<i4'", false, "(300000,)", &values);
    let deflated = |bytes: &[u8]| {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let member = |stored: Vec<u8>, size: usize, checksum: u32| {
        archive_of(&[Member { name: "a.npy", method: 8, stored, size, checksum }])
    };
    let (stored, checksum) = (deflated(&array), crc32fast::hash(&array));
    let good = member(stored.clone(), array.len(), checksum);
    let (artifacts, _) = load_npz(good.clone(), ImportOptions::new()).await.unwrap();
    assert_eq!(artifacts.weights.as_ref().unwrap().data().read(0..1_200_000).await.unwrap()[..], values[..]);

    // In any order, which begins anew where it goes back.
    let lazy = from_npz(&WeightData::from(good), ImportOptions::new(), &LoadOptions::lazy()).await.unwrap().0;
    let data = lazy.weights.as_ref().unwrap().data();
    for range in [500_000..500_001, 500_001..900_000, 3..70_000, 1_199_999..1_200_000, 0..1_200_000, 7..7] {
        let bytes = data.read(range.clone()).await.unwrap();
        assert_eq!(bytes[..], values[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]);
    }

    let longer = deflated(&[array.as_slice(), &[0]].concat());
    let shorter = deflated(&array[..array.len() - 1]);
    let trailing = [stored.as_slice(), &[0; 9000]].concat();
    for (bytes, expected) in [
        (member(stored.clone(), array.len(), checksum ^ 1), "its checksum is another one"),
        (member(longer, array.len(), checksum), "has more bytes than it says"),
        (member(shorter, array.len(), checksum), "ends early"),
        (member(trailing, array.len(), checksum), "has bytes behind its end"),
        (member(stored[..stored.len() / 2].to_vec(), array.len(), checksum), "cannot be unpacked"),
        (member(vec![0xff; 2000], array.len(), checksum), "cannot be unpacked"),
        (member(stored[..1000].to_vec(), 1_033_000, checksum), "cannot have 1033000 bytes"),
        (archive_of(&[Member { name: "a.npy", method: 12, stored: vec![0], size: 1, checksum: 0 }]), "method 12"),
    ] {
        let error = load_npz(bytes, ImportOptions::new()).await.unwrap_err();
        assert!(error.message().contains(expected), "{expected}: {error}");
    }
}
