//! Tensors against tensors, by name, dtype, shape and digest.

use crate::oracle::Tensor;

/// How one model fared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Tensors that are the same on both sides.
    pub(crate) equal: usize,
    /// Tensors that there should be.
    pub(crate) expected: usize,
    /// A line for each difference, of a tensor or of anything else.
    pub(crate) differences: Vec<String>,
}

impl Comparison {
    /// Nothing could be compared.
    pub(crate) fn failed(what: &str, why: &str) -> Self {
        Self { equal: 0, expected: 0, differences: vec![format!("{what}: {why}")] }
    }

    /// Equal, and there was something to be equal.
    pub(crate) fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.expected > 0 && self.equal == self.expected
    }
}

/// Both in the order of the specs. The expected side is what the judge found in the source.
pub(crate) fn tensors(found: &[Tensor], expected: &[Tensor]) -> Comparison {
    let mut comparison = Comparison { expected: expected.len(), ..Comparison::default() };
    if expected.is_empty() {
        comparison.differences.push("no tensor was expected: nothing was compared".to_owned());
    }
    if found.len() != expected.len() {
        comparison.differences.push(format!("{} tensors, expected {}", found.len(), expected.len()));
    }
    for (found, expected) in found.iter().zip(expected) {
        if found == expected {
            comparison.equal += 1;
        } else {
            comparison.differences.push(format!(
                "tensor {:?}: {}, expected {}",
                expected.name,
                describe(found),
                describe(expected)
            ));
        }
    }
    comparison
}

fn describe(tensor: &Tensor) -> String {
    let Tensor { name, dtype, shape, sha256 } = tensor;
    format!("{name:?} {dtype} {shape:?} {sha256}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &str, sha256: &str) -> Tensor {
        Tensor { name: name.to_owned(), dtype: "float32".to_owned(), shape: vec![2], sha256: sha256.to_owned() }
    }

    #[test]
    fn equal_tensors_are_counted() {
        let all = [tensor("a", "1"), tensor("b", "2")];
        let comparison = tensors(&all, &all);
        assert_eq!((comparison.equal, comparison.expected), (2, 2));
        assert!(comparison.is_clean());
    }

    #[test]
    fn each_part_of_a_tensor_can_differ() {
        let expected = tensor("a", "1");
        let changes: [fn(&mut Tensor); 4] =
            [|t| t.name.push('x'), |t| t.dtype.push('x'), |t| t.shape.push(1), |t| t.sha256.push('x')];
        for change in changes {
            let mut found = expected.clone();
            change(&mut found);
            let comparison = tensors(&[found], std::slice::from_ref(&expected));
            assert!(!comparison.is_clean());
            assert!(comparison.differences.concat().contains("\"a\""), "{comparison:?}");
        }
    }

    #[test]
    fn a_missing_tensor_an_extra_one_and_an_empty_model_are_not_clean() {
        let all = [tensor("a", "1"), tensor("b", "2")];
        assert!(!tensors(&all[..1], &all).is_clean());
        assert!(!tensors(&all, &all[..1]).is_clean());
        assert!(!tensors(&[], &[]).is_clean());
    }
}
