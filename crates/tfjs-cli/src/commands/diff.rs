//! `tfjs diff`: what differs between two models.

use serde::Serialize;
use tfjs_io::{JsonDifference, ModelArtifacts, ModelDifferences, RawJson};

use crate::args::Diff;
use crate::output::{self, Failure};

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'d> {
    equal: bool,
    keys: Vec<Json<'d>>,
    topology: Topology<'d>,
    tensors: Tensors<'d>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Topology<'d> {
    only_left: &'d [String],
    only_right: &'d [String],
    changed: Vec<Changed<'d>>,
    reordered: bool,
    rest: Vec<Json<'d>>,
}

#[derive(Serialize)]
struct Changed<'d> {
    name: &'d str,
    differences: Vec<Json<'d>>,
}

/// Without `left` or `right` if there is nothing.
#[derive(Serialize)]
struct Json<'d> {
    path: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'d RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<&'d RawJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tensors<'d> {
    only_left: &'d [String],
    only_right: &'d [String],
    specs: Vec<Spec<'d>>,
    values: Vec<Value<'d>>,
}

#[derive(Serialize)]
struct Spec<'d> {
    name: &'d str,
    left: &'d str,
    right: &'d str,
}

/// JSON has no infinity: a difference that is one is `null`, and so is that of what is not numbers.
#[derive(Serialize)]
struct Value<'d> {
    name: &'d str,
    differing: u64,
    count: u64,
    largest: Option<f64>,
}

pub(super) async fn run(diff: &Diff) -> Result<(), Failure> {
    let options = diff.reading.lazily();
    let router = diff.reading.http.router()?;
    let [left, right]: [ModelArtifacts; 2] =
        [router.load(&diff.left, &options).await?, router.load(&diff.right, &options).await?];
    let differences = ModelDifferences::between(&left, &right, diff.tolerance).await?;
    if diff.json {
        output::json(&Document::of(&differences))?;
    } else {
        output::lines(differences.to_string().lines())?;
    }
    if differences.is_empty() { Ok(()) } else { Err(Failure::Told) }
}

impl<'d> Document<'d> {
    fn of(differences: &'d ModelDifferences) -> Self {
        let ModelDifferences { keys, topology, tensors, .. } = differences;
        let changed = |(name, differences): &'d (String, Vec<JsonDifference>)| Changed {
            name,
            differences: differences.iter().map(Json::of).collect(),
        };
        let spec = |spec: &'d tfjs_io::SpecDifference| Spec { name: &spec.name, left: &spec.left, right: &spec.right };
        let value = |value: &'d tfjs_io::ValueDifference| Value {
            name: &value.name,
            differing: value.differing,
            count: value.count,
            largest: value.largest,
        };
        Self {
            equal: differences.is_empty(),
            keys: keys.iter().map(Json::of).collect(),
            topology: Topology {
                only_left: &topology.only_left,
                only_right: &topology.only_right,
                changed: topology.changed.iter().map(changed).collect(),
                reordered: topology.is_reordered,
                rest: topology.rest.iter().map(Json::of).collect(),
            },
            tensors: Tensors {
                only_left: &tensors.only_left,
                only_right: &tensors.only_right,
                specs: tensors.specs.iter().map(spec).collect(),
                values: tensors.values.iter().map(value).collect(),
            },
        }
    }
}

impl<'d> Json<'d> {
    fn of(difference: &'d JsonDifference) -> Self {
        Self { path: &difference.path, left: difference.left.as_ref(), right: difference.right.as_ref() }
    }
}
