//! The attacks that are a folder.

use std::fs;
use std::path::Path;

use tfjs_io::ErrorKind;

use super::table::{Attack, GOOD, How, WEIGHTS};

const BARE: &str = r#"[{"paths":["w.bin"],"weights":[{"name":"a","shape":[1],"dtype":"float32"}]}]"#;

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn attacks() -> Vec<Attack> {
    let attack = |name, rule, kind, says, make| Attack { name, rule, kind, says, how: How::Folder(make) };
    let lengths = "specs and bytes fit together";
    let limits = "limits hold before anything is read";
    let files = "a weight file is a file";
    let binary = "a binary topology is a message of protocol buffers";
    let mut attacks = vec![
        attack("folder-json-10-gib", limits, ErrorKind::LimitExceeded, "has 10737418240 bytes", |folder| {
            sparse(&folder.join("model.json"), 10 << 30);
            ""
        }),
        attack("folder-json-deep", limits, ErrorKind::LimitExceeded, "nested deeper than 512", |folder| {
            write(folder, "model.json", &format!(r#"{{"modelTopology":{}"#, "[".repeat(100_000)));
            ""
        }),
        attack("folder-json-deep-objects", limits, ErrorKind::LimitExceeded, "nested deeper than 512", |folder| {
            write(folder, "model.json", &r#"{"x":"#.repeat(100_000));
            ""
        }),
        attack("folder-manifest-deep", limits, ErrorKind::LimitExceeded, "nested deeper than 512", |folder| {
            write(folder, "model.json", &"[".repeat(100_000));
            ""
        }),
        attack("folder-name-2-mib", limits, ErrorKind::LimitExceeded, "`name-bytes`", |folder| {
            write(folder, "model.json", &GOOD.replace(r#""a""#, &format!(r#""{}""#, "n".repeat(2 << 20))));
            ""
        }),
        attack("folder-groups", limits, ErrorKind::LimitExceeded, "`groups`", |folder| {
            let groups = vec![r#"{"paths":[],"weights":[]}"#; 100_001].join(",");
            write(folder, "model.json", &format!(r#"{{"weightsManifest":[{groups}]}}"#));
            ""
        }),
        attack(
            "folder-json-is-a-folder",
            "a model.json is a file",
            ErrorKind::InvalidData,
            "neither a file",
            |folder| {
                fs::create_dir(folder.join("model.json")).unwrap();
                ""
            },
        ),
        attack("folder-shard-is-a-folder", files, ErrorKind::InvalidData, "w.bin", |folder| {
            write(folder, "model.json", GOOD);
            fs::remove_file(folder.join("w.bin")).unwrap();
            fs::create_dir(folder.join("w.bin")).unwrap();
            ""
        }),
        attack("folder-shard-below-a-file", files, ErrorKind::NotFound, "w.bin", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "w.bin/x"));
            ""
        }),
        attack("folder-shard-empty", lengths, ErrorKind::InvalidData, "holds 0 bytes", |folder| {
            write(folder, "model.json", GOOD);
            write(folder, "w.bin", "");
            ""
        }),
        attack("folder-shard-html", lengths, ErrorKind::InvalidData, "HTML or XML page", |folder| {
            write(folder, "model.json", &GOOD.replace("[1]", "[5]"));
            write(folder, "w.bin", "<!doctype html><p>x\n");
            ""
        }),
        attack("folder-shard-lfs", lengths, ErrorKind::InvalidData, "git-lfs pointer", |folder| {
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n";
            write(folder, "model.json", &GOOD.replace("[1]", &format!("[{}]", pointer.len() / 4)));
            write(folder, "w.bin", pointer);
            ""
        }),
        attack("folder-shard-sparse", lengths, ErrorKind::InvalidData, "holds 1099511627776 bytes", |folder| {
            write(folder, "model.json", GOOD);
            sparse(&folder.join("w.bin"), 1 << 40);
            ""
        }),
        attack("folder-shard-beyond-the-limit", limits, ErrorKind::LimitExceeded, "`weight-bytes`", |folder| {
            write(folder, "model.json", &GOOD.replace("float32", "string"));
            sparse(&folder.join("w.bin"), (1 << 40) + 1);
            ""
        }),
        attack("folder-string-2-gib", limits, ErrorKind::LimitExceeded, "`string-bytes`", |folder| {
            write(folder, "model.json", &GOOD.replace("float32", "string"));
            write(folder, "w.bin", "");
            fs::write(folder.join("w.bin"), (1u32 << 31).to_le_bytes()).unwrap();
            fs::File::options().write(true).open(folder.join("w.bin")).unwrap().set_len((1 << 31) + 4).unwrap();
            ""
        }),
        attack("pb-garbage", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| {
            pair(folder, b"\xff\xff\xff\xff")
        }),
        attack("pb-cut", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| pair(folder, b"\x0a\x05abc")),
        attack("pb-length-2-63", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| {
            pair(folder, b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f")
        }),
        attack("pb-endless-number", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| {
            pair(folder, &[b"\x08".as_slice(), &[0x80; 64]].concat())
        }),
        attack("pb-field-0", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| pair(folder, b"\x02\x00")),
        attack("pb-empty", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| pair(folder, b"")),
        attack("pb-html", binary, ErrorKind::InvalidData, "HTML or XML page", |folder| {
            pair(folder, b"<!doctype html>")
        }),
        attack("pb-json", binary, ErrorKind::InvalidData, "is no GraphDef", |folder| pair(folder, b"{\"node\":[]}")),
        attack("pb-3-gib", limits, ErrorKind::LimitExceeded, "`graph-def-bytes`", |folder| {
            pair(folder, b"");
            sparse(&folder.join("tensorflowjs_model.pb"), 3 << 30);
            ""
        }),
        attack(
            "pb-manifest-climbs",
            "a path cannot leave the folder of the model",
            ErrorKind::InvalidData,
            "climbs",
            |folder| {
                pair(folder, b"\x0a\x00");
                write(folder, "weights_manifest.json", &BARE.replace("w.bin", "../secret.bin"));
                ""
            },
        ),
    ];
    #[cfg(unix)]
    attacks.extend(links());
    if cfg!(unix) {
        attacks.push(attack(
            "folder-json-fifo",
            "a model.json is a file",
            ErrorKind::InvalidData,
            "neither a file",
            |folder| {
                fifo(&folder.join("model.json"));
                ""
            },
        ));
        attacks.push(attack("folder-shard-fifo", files, ErrorKind::InvalidData, "w.bin", |folder| {
            write(folder, "model.json", GOOD);
            fs::remove_file(folder.join("w.bin")).unwrap();
            fifo(&folder.join("w.bin"));
            ""
        }));
    }
    attacks
}

/// Links that lead out of the folder; `secret.bin` beside it is as good a weight file as any.
#[cfg(unix)]
fn links() -> Vec<Attack> {
    use std::os::unix::fs::symlink;

    let attack = |name, make| Attack {
        name,
        rule: "links stay in the folder of the model",
        kind: ErrorKind::InvalidData,
        says: "leads out of the model's folder",
        how: How::Folder(make),
    };
    vec![
        attack("link-shard", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "link.bin"));
            symlink("../secret.bin", folder.join("link.bin")).unwrap();
            ""
        }),
        attack("link-shard-absolute", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "link.bin"));
            symlink(folder.parent().unwrap().join("secret.bin"), folder.join("link.bin")).unwrap();
            ""
        }),
        attack("link-folder", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "up/secret.bin"));
            symlink("..", folder.join("up")).unwrap();
            ""
        }),
        attack("link-to-a-link", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "one.bin"));
            symlink("two.bin", folder.join("one.bin")).unwrap();
            symlink("../secret.bin", folder.join("two.bin")).unwrap();
            ""
        }),
        attack("link-to-nothing", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "link.bin"));
            symlink("../nothing.bin", folder.join("link.bin")).unwrap();
            ""
        }),
        attack("link-shard-device", |folder| {
            write(folder, "model.json", &GOOD.replace("w.bin", "zero"));
            symlink("/dev/zero", folder.join("zero")).unwrap();
            ""
        }),
        attack("link-json", |folder| {
            fs::write(folder.parent().unwrap().join("other.json"), GOOD).unwrap();
            symlink("../other.json", folder.join("model.json")).unwrap();
            ""
        }),
        attack("link-json-named", |folder| {
            symlink("/etc/passwd", folder.join("model.json")).unwrap();
            "model.json"
        }),
        attack("link-json-device", |folder| {
            symlink("/proc/self/environ", folder.join("model.json")).unwrap();
            ""
        }),
        attack("link-pb", |folder| {
            pair(folder, b"\x0a\x00");
            fs::remove_file(folder.join("tensorflowjs_model.pb")).unwrap();
            symlink("../secret.bin", folder.join("tensorflowjs_model.pb")).unwrap();
            ""
        }),
    ]
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

/// Takes no room.
fn sparse(path: &Path, bytes: u64) {
    fs::File::create(path).unwrap().set_len(bytes).unwrap();
}

/// A binary topology and its manifest.
fn pair(folder: &Path, topology: &[u8]) -> &'static str {
    fs::write(folder.join("tensorflowjs_model.pb"), topology).unwrap();
    write(folder, "weights_manifest.json", BARE);
    fs::write(folder.join("w.bin"), WEIGHTS).unwrap();
    ""
}

/// A named pipe, at which a reader waits for ever.
fn fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}
