//! What a layer of a graph is applied to, as Keras 2 and TensorFlow.js write it, and as Keras 3 does.

use tfjs_artifacts::RawJson;

use crate::config::{Config, integer};
use crate::problem::{Problem, abbreviate};

/// An output of a layer, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) layer: String,
    pub(super) node: usize,
    pub(super) tensor: usize,
}

/// The applications of one layer, each with its inputs.
pub(super) fn nodes(layer: &Config) -> Result<Vec<Vec<Reference>>, Problem> {
    let Some(nodes) = layer.get("inboundNodes") else { return Ok(Vec::new()) };
    let nodes = nodes.elements().ok_or_else(|| corrupted(nodes))?;
    nodes.iter().map(|node| inputs(node).ok_or_else(|| corrupted(node))).collect()
}

/// The tensors under `inputLayers` and `outputLayers`: `[["x", 0, 0]]`, or, in Keras 3, `["x", 0, 0]` if there is one.
pub(super) fn ends(config: &Config, key: &'static str) -> Result<Vec<Reference>, Problem> {
    let listed = config.get(key).ok_or_else(|| Problem::of(key, "it is missing"))?;
    let found = reference(listed).map(|one| vec![one]).or_else(|| match listed.elements() {
        Some(elements) => elements.iter().map(reference).collect(),
        // Keras 3 keeps the names of inputs that were given as an object.
        None => listed.entries()?.iter().map(|(_, value)| reference(value)).collect(),
    });
    found.ok_or_else(|| {
        let found = abbreviate(listed.get());
        Problem::of(key, format!("expected an array of `[layer, node, tensor]`, found `{found}`"))
    })
}

fn corrupted(node: &RawJson) -> Problem {
    let found = abbreviate(node.get());
    Problem::of(
        "inboundNodes",
        format!("expected an array of `[layer, node, tensor]` for each application, found `{found}`"),
    )
}

fn inputs(node: &RawJson) -> Option<Vec<Reference>> {
    if node.get().starts_with('{') {
        let mut found = Vec::new();
        return histories(node, 0, &mut found).map(|()| found);
    }
    if let Some(only) = reference(node) {
        return Some(vec![only]);
    }
    node.elements()?.iter().map(reference).collect()
}

/// `[layer, node, tensor]`, and maybe more.
fn reference(json: &RawJson) -> Option<Reference> {
    let elements = json.elements()?;
    let number = |index: usize| usize::try_from(integer(elements.get(index)?)?).ok();
    Some(Reference { layer: elements.first()?.as_str()?.into_owned(), node: number(1)?, tensor: number(2)? })
}

/// All `keras_history` of arguments, which Keras 3 nests as the call did; `None` if they are nested deeper than any call: what each level
/// holds is copied.
fn histories(json: &RawJson, depth: usize, found: &mut Vec<Reference>) -> Option<()> {
    const DEEPEST: usize = 16;
    if depth > DEEPEST {
        return None;
    }
    if let Some(entries) = json.entries() {
        for (key, value) in &entries {
            match reference(value).filter(|_| key == "keras_history") {
                Some(reference) => found.push(reference),
                None => histories(value, depth + 1, found)?,
            }
        }
    } else {
        for element in &json.elements().unwrap_or_default() {
            histories(element, depth + 1, found)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Vec<Vec<(String, usize, usize)>> {
        let config = Config::read(&RawJson::parse(json).unwrap()).unwrap();
        let nodes = nodes(&config).unwrap();
        nodes.into_iter().map(|node| node.into_iter().map(|to| (to.layer, to.node, to.tensor)).collect()).collect()
    }

    #[test]
    fn all_dialects_name_the_same_tensors() {
        let expected = vec![vec![("a_b".to_owned(), 0, 0), ("c".to_owned(), 1, 2)]];
        assert_eq!(read(r#"{"inbound_nodes": [[["a_b", 0, 0, {}], ["c", 1, 2, {"training": null}]]]}"#), expected);
        assert_eq!(read(r#"{"inboundNodes": [[["a_b", 0, 0], ["c", 1, 2]]]}"#), expected);
        let keras_3 = r#"{"inbound_nodes": [{"args": [[
            {"class_name": "__keras_tensor__", "config": {"shape": [null, 3], "keras_history": ["a_b", 0, 0]}},
            {"class_name": "__keras_tensor__", "config": {"shape": [null, 3], "keras_history": ["c", 1, 2]}}
        ]], "kwargs": {"training": false}}]}"#;
        assert_eq!(read(keras_3), expected);
        assert_eq!(read("{}"), Vec::<Vec<_>>::new());
    }

    #[test]
    fn what_is_no_reference_is_a_problem() {
        let deep = format!("[{{\"args\": {}{}}}]", "[".repeat(40), "]".repeat(40));
        for bad in [deep.as_str(), "3", "[3]", "[[[\"a\", -1, 0]]]", "[[[\"a\", 0]]]", "[[[0, 0, 0]]]"] {
            let config = Config::read(&RawJson::parse(&format!("{{\"inbound_nodes\": {bad}}}")).unwrap()).unwrap();
            assert_eq!(nodes(&config).unwrap_err().key, Some("inboundNodes"), "{bad}");
        }
    }
}
