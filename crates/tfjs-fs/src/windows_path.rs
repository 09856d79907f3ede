//! What a path means on Windows, and which paths mean no file or folder there.
//!
//! Functions of the text alone, so that they are tested everywhere; [`check`] is asked on Windows only.

use tfjs_artifacts::{Error, ErrorKind, file_name_problem};

/// What follows `file://`, decoded: `/C:/x` is `C:\x`, `//server/share/x` is `\\server\share\x`; all else keeps its parts.
///
/// The reference resolves `/C:/x` against the current drive and ends at `C:\C:\x`. In `server/share/x` the first part is a folder, as
/// it is there: `file://path/to/my-model` is a relative path in its guide.
pub(crate) fn from_url(path: &str) -> String {
    let drive = path.strip_prefix(['/', '\\']).filter(|rest| has_drive(rest));
    let path = drive.unwrap_or(path).replace('/', "\\");
    // A drive alone is its root in a URL; the path `C:` would be wherever the process is on that drive.
    if path.len() == 2 && has_drive(&path) { path + "\\" } else { path }
}

/// Whether a path begins with a drive, `C:` alone or before a separator.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':'] | [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

/// What stands between a folder of this spelling and a name in it: `\` where `/` would be a letter.
pub(crate) fn separator(folder: &str) -> &'static str {
    match folder {
        _ if folder.ends_with(['/', '\\']) => "",
        _ if folder.starts_with(VERBATIM) => "\\",
        _ => "/",
    }
}

/// Paths that Windows takes to the letter.
const VERBATIM: &str = r"\\?\";

/// Refuses a path that Windows takes for something other than the file or folder that it seems to name.
///
/// # Errors
/// [`ErrorKind::InvalidUrl`] for a path relative to a drive's current folder (`C:x`), devices (`\\.\COM1`, `nul.json`, named pipes),
/// streams (`x:y`), and names that Windows cannot have or would change.
pub(crate) fn check(path: &str) -> Result<(), Error> {
    match problem(path) {
        None => Ok(()),
        Some(problem) => {
            let error = Error::new(ErrorKind::InvalidUrl, format!("on Windows {problem}"));
            Err(error.with_location(path))
        }
    }
}

fn problem(path: &str) -> Option<String> {
    if let Some(rest) = path.strip_prefix(VERBATIM) {
        return verbatim_problem(rest);
    }
    let path = path.replace('/', "\\");
    if path.starts_with(r"\\.\") || path.starts_with(r"\??\") || matches!(path.as_str(), r"\\." | r"\\?") {
        return Some(r"that is a device; name a file or folder, such as `C:\models\m`".to_owned());
    }
    if path.starts_with(VERBATIM) {
        return Some(r"a path that begins with `\\?\` is taken to the letter; write all of it with `\`".to_owned());
    }
    if let Some(share) = path.strip_prefix(r"\\") {
        return share_problem(share);
    }
    let rest = match path.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => {
            let (drive, rest) = path.split_at(2);
            if !rest.starts_with('\\') {
                let example = if rest.is_empty() { "models" } else { rest };
                return Some(format!(
                    "`{path}` starts at whatever folder is current on drive {drive}; write `{drive}\\{example}`, or leave out the drive"
                ));
            }
            rest
        }
        _ => path.as_str(),
    };
    names_problem(rest)
}

/// The names of a path after its root.
fn names_problem(path: &str) -> Option<String> {
    let mut names = path.split('\\').filter(|name| !matches!(*name, "" | "." | ".."));
    let found = names.find_map(|name| file_name_problem(name).map(|problem| (name, problem)));
    found.map(|(name, problem)| {
        format!("`{}` is no name of a file or folder: it {problem}; choose another", name.escape_debug())
    })
}

/// `server\share\...`, after the two backslashes.
fn share_problem(path: &str) -> Option<String> {
    let mut parts = path.splitn(3, '\\');
    let (server, share) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if server.is_empty() || share.is_empty() {
        return Some(r"a share is named with its server, as `\\server\share\folder`".to_owned());
    }
    if ["pipe", "mailslot", "ipc$"].iter().any(|name| share.eq_ignore_ascii_case(name)) {
        return Some(format!(
            "`{share}` of a server is no share of files; name a share, as `\\\\server\\share\\folder`"
        ));
    }
    names_problem(parts.next().unwrap_or_default())
}

/// `C:\...`, `UNC\server\share\...` or `Volume{...}\...`, after `\\?\`. Devices and endings are ordinary names there, streams are not.
fn verbatim_problem(path: &str) -> Option<String> {
    if path.contains('/') {
        return Some(
            r"a path that begins with `\\?\` is taken to the letter, and `/` separates nothing in it; write `\`"
                .to_owned(),
        );
    }
    let starts = |prefix: &str| path.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix));
    if starts(r"UNC\") {
        return share_problem(path.get(4..).unwrap_or_default());
    }
    let (root, names) = path.split_once('\\').unwrap_or((path, ""));
    let is_drive = root.len() == 2 && has_drive(root) && path.len() > 2;
    let is_volume = starts("Volume{") && root.ends_with('}');
    if !is_drive && !is_volume {
        return Some(r"that is a device; name a file or folder, such as `\\?\C:\models\m`".to_owned());
    }
    let forbidden = |c: char| c.is_control() || matches!(c, ':' | '<' | '>' | '"' | '|' | '?' | '*');
    let found = names.split('\\').find(|name| name.contains(forbidden));
    found.map(|name| format!("`{}` is no name of a file or folder; choose another", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_urls() {
        for (url, path) in [
            ("/C:/Users/x", r"C:\Users\x"),
            ("C:/Users/x", r"C:\Users\x"),
            (r"C:\Users\x", r"C:\Users\x"),
            ("/C:/models/my model/", r"C:\models\my model\"),
            ("/c:", r"c:\"),
            ("c:", r"c:\"),
            ("/c:/", r"c:\"),
            ("//server/share/m", r"\\server\share\m"),
            (r"\\server\share\m", r"\\server\share\m"),
            ("//?/C:/x", r"\\?\C:\x"),
            ("rel/dir", r"rel\dir"),
            // As in the guide of TensorFlow.js, not a server.
            ("server/share/m", r"server\share\m"),
            ("/rooted", r"\rooted"),
            ("/Cx:/y", r"\Cx:\y"),
            ("/C:x", r"\C:x"),
            ("/é:/y", r"\é:\y"),
        ] {
            assert_eq!(from_url(url), path, "{url}");
        }
    }

    #[test]
    fn files_and_folders_are_no_problem() {
        for path in [
            ".",
            "..",
            r"..\up\.\m",
            "model.json",
            "with space/模型.json",
            r"C:\",
            "C:/models/x.json",
            r"c:\models\my model\",
            r"\rooted",
            r"\\server\share",
            r"\\server\share\m",
            "//server/share/m",
            r"\\localhost\c$\m",
            r"\\?\C:\models\m.json",
            r"\\?\C:\",
            r"\\?\UNC\server\share\m",
            r"\\?\Volume{b75e2c83-0000-0000-0000-602f00000000}\m",
            // To the letter, these are names.
            r"\\?\C:\nul\m.",
        ] {
            assert_eq!(problem(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_file_says_what_to_write() {
        for (path, part) in [
            ("C:", r"write `C:\models`"),
            ("C:x", r"write `C:\x`"),
            (r"c:models\x.json", r"write `c:\models\x.json`"),
            (r"\\.\COM1", "that is a device"),
            ("//./COM1", "that is a device"),
            (r"\\.\C:\x", "that is a device"),
            (r"\??\C:\x", "that is a device"),
            ("//?/C:/x", "write all of it with `\\`"),
            (r"\\?\C:\a/b", "write `\\`"),
            (r"\\?\GLOBALROOT\Device\Null", "that is a device"),
            (r"\\?\COM1", "that is a device"),
            (r"\\?\C:", "that is a device"),
            (r"\\?\C:\x:y", "`x:y` is no name"),
            (r"\\?\UNC\server\pipe\x", "`pipe` of a server is no share"),
            (r"\\server", r"as `\\server\share\folder`"),
            (r"\\server\", r"as `\\server\share\folder`"),
            (r"\\", r"as `\\server\share\folder`"),
            (r"\\server\PIPE\x", "is no share of files"),
            (r"C:\models\nul", "`nul` is no name of a file or folder: it is the name of a device of Windows"),
            (r"C:\con\x", "`con`"),
            ("aux.json", "`aux.json`"),
            (r"C:\m\x.json:stream", "has a colon"),
            ("/C:x", "has a colon"),
            (r"C:\m.\x", "ends with a dot or a space"),
            ("m ", "ends with a dot or a space"),
            ("what?", "has a `?`"),
            (r"C:\*\x", "Windows allows in no file name"),
        ] {
            let found = problem(path).expect(path);
            assert!(found.contains(part), "{path}: {found}");
            assert_eq!(check(path).unwrap_err().kind(), ErrorKind::InvalidUrl);
        }
    }

    #[test]
    fn names_are_put_behind_folders() {
        for (folder, separator) in
            [("C:\\m", "/"), ("C:\\m\\", ""), ("m/", ""), ("m", "/"), (r"\\?\C:\m", "\\"), (r"\\?\C:\m\", "")]
        {
            assert_eq!(super::separator(folder), separator, "{folder}");
        }
    }
}
