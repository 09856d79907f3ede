//! What differs between two texts, line by line.

/// The lines that are only in the first text behind a `-`, those that are only in the second behind a `+`.
pub(super) fn of(before: &str, after: &str) -> String {
    let (before, after): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let common = common(&before, &after);
    let (mut before, mut after) = (before.into_iter(), after.into_iter());
    let mut text = String::new();
    for line in common.into_iter().map(Some).chain([None]) {
        for removed in before.by_ref().take_while(|other| Some(*other) != line) {
            text.extend(["-", removed, "\n"]);
        }
        for added in after.by_ref().take_while(|other| Some(*other) != line) {
            text.extend(["+", added, "\n"]);
        }
    }
    text
}

/// The longest list of lines that both have in this order.
fn common<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<&'t str> {
    // For each line of `after`, the longest list that ends before it.
    let mut longest: Vec<Vec<&str>> = vec![Vec::new(); after.len() + 1];
    for line in before {
        let mut next = vec![Vec::new()];
        for (end, other) in after.iter().enumerate() {
            let with = longest.get(end).filter(|_| line == other).map(|list| [list.as_slice(), &[line]].concat());
            let without = [next.last(), longest.get(end + 1)].into_iter().flatten().max_by_key(|list| list.len());
            next.push(with.or_else(|| without.cloned()).unwrap_or_default());
        }
        longest = next;
    }
    longest.pop().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        assert_eq!(of("a\nb\nc\n", "a\nb\nc\n"), "");
        assert_eq!(of("a\nb\nc\nd\n", "a\nx\nc\nd\ne\n"), "-b\n+x\n+e\n");
        assert_eq!(of("", "a\nb\n"), "+a\n+b\n");
        assert_eq!(of("a\na\nb\n", "a\n"), "-a\n-b\n");
    }
}
