//! Whether two models are the same.

use tfjs_artifacts::{ModelArtifacts, WeightSpec};

/// Panics unless two models agree in everything that a save and a load must keep: every JSON text, every unknown key
/// in its order, groups, specs, cuts and every weight byte. Only the names of weight files may differ.
#[track_caller]
pub fn assert_same_model(one: &ModelArtifacts, other: &ModelArtifacts) {
    assert_eq!(one.model_topology, other.model_topology, "modelTopology");
    assert_eq!(one.format, other.format, "format");
    assert_eq!(one.generated_by, other.generated_by, "generatedBy");
    assert_eq!(one.converted_by, other.converted_by, "convertedBy");
    assert_eq!(one.signature, other.signature, "signature");
    assert_eq!(one.user_defined_metadata, other.user_defined_metadata, "userDefinedMetadata");
    assert_eq!(one.model_initializer, other.model_initializer, "modelInitializer");
    assert_eq!(one.initializer_signature, other.initializer_signature, "initializerSignature");
    assert_eq!(one.training_config, other.training_config, "trainingConfig");
    assert_eq!(one.unknown, other.unknown, "unknown keys");
    assert_eq!(groups(one), groups(other), "weight groups");
    assert_eq!(bytes(one), bytes(other), "weight bytes");
}

type Group<'a> = (&'a [WeightSpec], Vec<u64>, String);

fn groups(artifacts: &ModelArtifacts) -> Option<Vec<Group<'_>>> {
    let weights = artifacts.weights.as_ref()?;
    let group = weights.groups().iter().map(|group| {
        let cuts = group.shards.iter().map(|shard| shard.bytes).collect();
        (group.weights.as_slice(), cuts, format!("{:?}", group.unknown))
    });
    Some(group.collect())
}

/// Compared by what is read, so that lazy and eager models can be equal.
fn bytes(artifacts: &ModelArtifacts) -> Option<Vec<u8>> {
    let data = artifacts.weights.as_ref()?.data();
    // Not `block_on`: this may run inside an executor. Lazy bytes are loaded by the caller.
    let segments = data.segments().map(|segment| match segment {
        tfjs_artifacts::Segment::Memory(bytes) => bytes.clone(),
        tfjs_artifacts::Segment::Lazy { .. } => panic!("load lazy weights before you compare"),
    });
    Some(segments.collect::<Vec<_>>().concat())
}
