//! Where boxes lie: in rows, each below all that it gets something from.

use std::collections::VecDeque;

use super::Picture;

/// The row of each box, and its place in the row.
pub(super) fn rows(picture: &Picture) -> Vec<Vec<usize>> {
    let depths = depths(picture);
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depths.iter().max().map_or(0, |deepest| deepest + 1)];
    for (index, depth) in depths.iter().enumerate() {
        if let Some(row) = rows.get_mut(*depth) {
            row.push(index);
        }
    }
    // Below the middle of those that something comes from, row by row.
    let mut places = vec![0f64; picture.boxes.len()];
    let mut from = vec![Vec::new(); picture.boxes.len()];
    for arrow in &picture.arrows {
        if let Some(sources) = from.get_mut(arrow.to) {
            sources.push(arrow.from);
        }
    }
    for row in &mut rows {
        let middle = |index: &usize| {
            let sources = from.get(*index).map(Vec::as_slice).unwrap_or_default();
            let sum: f64 = sources.iter().filter_map(|source| places.get(*source)).sum();
            if sources.is_empty() { 0.0 } else { sum / f64::from(u32::try_from(sources.len()).unwrap_or(u32::MAX)) }
        };
        let mut wanted: Vec<_> = row.iter().map(|index| (middle(index), *index)).collect();
        wanted.sort_by(|(one, first), (other, second)| one.total_cmp(other).then(first.cmp(second)));
        *row = wanted.into_iter().map(|(_, index)| index).collect();
        let width = f64::from(u32::try_from(row.len()).unwrap_or(u32::MAX));
        for (place, index) in (0u32..).zip(row.iter()) {
            if let Some(at) = places.get_mut(*index) {
                *at = f64::from(place) - (width - 1.0) / 2.0;
            }
        }
    }
    rows
}

/// The longest way from a box that gets nothing. In a circle the first box that is left begins.
fn depths(picture: &Picture) -> Vec<usize> {
    let count = picture.boxes.len();
    let (mut waiting, mut depths) = (vec![0usize; count], vec![0usize; count]);
    let mut to = vec![Vec::new(); count];
    for arrow in picture.arrows.iter().filter(|arrow| arrow.from != arrow.to) {
        if let (Some(targets), Some(number)) = (to.get_mut(arrow.from), waiting.get_mut(arrow.to)) {
            targets.push(arrow.to);
            *number += 1;
        }
    }
    let mut is_done = vec![false; count];
    let mut ready: VecDeque<usize> = (0..count).filter(|index| waiting.get(*index) == Some(&0)).collect();
    let mut next = 0;
    loop {
        while let Some(index) = ready.pop_front() {
            if is_done.get(index).copied().unwrap_or(true) {
                continue;
            }
            if let Some(done) = is_done.get_mut(index) {
                *done = true;
            }
            let depth = depths.get(index).copied().unwrap_or(0) + 1;
            for target in to.get(index).map(Vec::as_slice).unwrap_or_default() {
                if is_done.get(*target) == Some(&false) {
                    if let Some(below) = depths.get_mut(*target) {
                        *below = depth.max(*below);
                    }
                    if let Some(number) = waiting.get_mut(*target) {
                        *number -= 1;
                        if *number == 0 {
                            ready.push_back(*target);
                        }
                    }
                }
            }
        }
        while is_done.get(next) == Some(&true) {
            next += 1;
        }
        if next >= count {
            return depths;
        }
        ready.push_back(next);
    }
}
