//! Relative links in Markdown must lead to a file.

use std::path::Path;

use super::Finding;

pub(super) fn dead(root: &Path, path: &Path, text: &str) -> Vec<Finding> {
    let folder = root.join(path).parent().unwrap_or(root).to_path_buf();
    targets(text)
        .into_iter()
        .filter(|(_, target)| !folder.join(target).exists())
        .map(|(line, target)| {
            Finding::new(path, line, format!("the link leads nowhere: there is no {target} beside this file"))
        })
        .collect()
}

/// The relative targets with their lines, outside code blocks, without title and fragment.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut is_code = false;
    let mut targets = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let found = inline_targets(line).into_iter().chain(reference_target(line));
            targets.extend(found.filter_map(relative).map(|target| (number, target.to_owned())));
        }
    }
    targets
}

/// `[text](target "title")`, any number of them.
fn inline_targets(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

/// `[name]: target`, alone on its line.
fn reference_target(line: &str) -> Option<&str> {
    let (name, target) = line.trim_start().strip_prefix('[')?.split_once("]: ")?;
    (!name.contains(']')).then_some(target)
}

/// The path of a link to a file of ours: no URL, no anchor in the same file, no item of rustdoc.
fn relative(target: &str) -> Option<&str> {
    let target = target.split_whitespace().next()?;
    let path = target.split('#').next().unwrap_or_default();
    let is_elsewhere = target.contains("://") || target.starts_with("mailto:") || target.contains("::");
    (!path.is_empty() && !is_elsewhere).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_targets_of_both_forms() {
        let text = "[a](docs/a.md) and ![b](b.png \"title\")\n[c]: ../c.md#part\n";
        let found = targets(text);
        assert_eq!(found, [(1, "docs/a.md".to_owned()), (1, "b.png".to_owned()), (2, "../c.md".to_owned())]);
    }

    #[test]
    fn what_is_not_a_link_to_a_file() {
        let text = "[a](https://example.org/x) [b](#here) [c](mailto:x@y) [d](crate::load)\n[`e`]: tfjs_io::load\n```\n[f](none.md)\n```\n- [ ] open: no\n";
        assert_eq!(targets(text), []);
    }

    #[test]
    fn a_dead_link_is_found_beside_the_file_that_has_it() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("docs")).unwrap();
        std::fs::write(root.path().join("docs/there.md"), "").unwrap();
        let findings = dead(root.path(), Path::new("docs/index.md"), "[a](there.md)\n[b](gone.md)\n");
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
    }
}
