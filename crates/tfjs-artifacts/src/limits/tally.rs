//! What a manifest has had so far, compared with the limits at each step.

use super::{Limit, LimitError, Limits};
use crate::shape::abbreviate;
use crate::{RelPath, StoredSize, WeightGroup, WeightSpec};

/// Counts tensors, files and bytes of one model.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    limits: Limits,
    tensors: u64,
    shards: u64,
    stored: u64,
    decoded: u64,
}

impl Tally {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: *limits, tensors: 0, shards: 0, stored: 0, decoded: 0 }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// So many more tensors, which have not been looked at.
    pub(crate) fn tensors(&mut self, count: usize) -> Result<(), LimitError> {
        self.tensors = self.tensors.saturating_add(count as u64);
        self.limits.check(Limit::Tensors, self.tensors).map_err(LimitError::at_least)
    }

    /// So many more weight files, which have not been looked at.
    pub(crate) fn shards(&mut self, count: u64) -> Result<(), LimitError> {
        self.shards = self.shards.saturating_add(count);
        self.limits.check(Limit::Shards, self.shards).map_err(LimitError::at_least)
    }

    /// The name of a tensor, or the path of a file.
    pub(crate) fn name(&self, name: &str) -> Result<(), LimitError> {
        let checked = self.limits.check(Limit::NameBytes, name.len() as u64);
        checked.map_err(|error| error.of(format!("the name `{}`", abbreviate(name, 40))))
    }

    /// What the spec of a tensor claims, in bytes and elements. Tensors are counted apart.
    pub(crate) fn spec(&mut self, spec: &WeightSpec) -> Result<(), LimitError> {
        let tensor = || format!("tensor `{}`", abbreviate(&spec.name, 40));
        self.name(&spec.name)?;
        self.limits.check(Limit::Rank, spec.shape.rank() as u64).map_err(|error| error.of(tensor()))?;
        let size = spec.stored_size();
        if let StoredSize::Strings(elements) = size {
            self.limits.check(Limit::StringElements, elements).map_err(|error| error.of(tensor()))?;
        }
        self.stored = self.stored.saturating_add(size.at_least());
        self.limits.check(Limit::WeightBytes, self.stored).map_err(LimitError::at_least)?;
        self.decoded = self.decoded.saturating_add(spec.decoded_size().unwrap_or_else(|| size.at_least()));
        self.limits.check(Limit::DecodedBytes, self.decoded).map_err(LimitError::at_least)
    }

    /// Everything about groups that are there already.
    pub(crate) fn groups(mut self, groups: &[WeightGroup]) -> Result<(), LimitError> {
        self.limits.check(Limit::Groups, groups.len() as u64)?;
        let count = |of: fn(&WeightGroup) -> usize| groups.iter().map(of).sum::<usize>() as u64;
        self.limits.check(Limit::Tensors, count(|group| group.weights.len()))?;
        self.limits.check(Limit::Shards, count(|group| group.shards.len()))?;
        for group in groups {
            group.shards.iter().map(|shard| RelPath::as_str(&shard.path)).try_for_each(|path| self.name(path))?;
            group.weights.iter().try_for_each(|spec| self.spec(spec))?;
        }
        let stored = groups.iter().fold(0u64, |sum, group| sum.saturating_add(group.byte_length()));
        self.limits.check(Limit::WeightBytes, stored)
    }
}
