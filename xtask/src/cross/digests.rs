//! The digests of every tensor of the published models and the goldens, on this machine and on others.

use anyhow::{Context, Result};

use crate::comparison::{self, Comparison};
use crate::conformance::subjects::{self, Subject};
use crate::oracle::Tensor;
use crate::project::Project;
use crate::tfjs::Tfjs;

/// What this machine finds in the models, which `cargo xtask conformance` compares with what TensorFlow.js finds.
pub(super) struct Digests {
    models: Vec<(Subject, Vec<Tensor>)>,
}

/// How many models have the same tensors elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    pub(super) models: usize,
    pub(super) tensors: usize,
    /// A line for each difference.
    pub(super) differences: Vec<String>,
}

impl Digests {
    pub(super) fn of_this_machine(project: &Project) -> Result<Self> {
        let tfjs = Tfjs::build(project)?;
        let read = |subject: Subject| {
            let tensors = tfjs.tensors(&subject.path).with_context(|| format!("reading {}", subject.name))?;
            Ok((subject, tensors))
        };
        Ok(Self { models: subjects::sources(project)?.into_iter().map(read).collect::<Result<_>>()? })
    }

    pub(super) fn compare(&self, tfjs: &Tfjs<'_>) -> Agreement {
        let mut agreement = Agreement::default();
        for (subject, expected) in &self.models {
            let comparison = match tfjs.tensors(&subject.path) {
                Ok(found) => comparison::tensors(&found, expected),
                Err(error) => Comparison::failed("`tfjs tensors` failed", &format!("{error:#}")),
            };
            agreement.add(&subject.name, &comparison);
        }
        agreement
    }
}

impl Agreement {
    fn add(&mut self, name: &str, comparison: &Comparison) {
        self.models += usize::from(comparison.is_clean());
        self.tensors += comparison.equal;
        let differences = comparison.differences.iter().map(|difference| format!("{name}: {difference}"));
        self.differences.extend(differences);
    }

    /// Nothing differs, and there was something to compare.
    pub(super) fn is_clean(&self) -> bool {
        self.models > 0 && self.differences.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_differs_does_not_count() {
        let mut agreement = Agreement::default();
        assert!(!agreement.is_clean());
        agreement.add("a", &Comparison { equal: 2, expected: 2, differences: Vec::new() });
        assert!(agreement.is_clean());
        agreement.add("b", &Comparison::failed("`tfjs tensors` failed", "no such file"));
        assert_eq!((agreement.models, agreement.tensors), (1, 2));
        assert_eq!(agreement.differences, ["b: `tfjs tensors` failed: no such file"]);
        assert!(!agreement.is_clean());
    }
}
