//! The peak memory of a load, of an upload, and of the server that receives it, as the system sees it: of a whole process, with all that
//! it is made of.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::fs;

use serde_json::json;

use crate::client::{self, MODEL_BYTES, Web};

/// Does one work, in this process, and prints what `cargo xtask bench` reads.
pub(crate) fn print(work: &str) {
    let web = Web::told();
    let (ours, yardstick) = match work {
        "load-http-memory" => {
            client::load(&format!("{}/model.json", web.nginx));
            (peak_bytes("self"), Some(MODEL_BYTES))
        }
        "upload-http-memory" => {
            client::upload(&web.single, &web.upload);
            (peak_bytes("self"), None)
        }
        "serve-http-memory" => {
            client::upload(&web.single, &web.upload);
            (peak_bytes(&web.tfjs_process.to_string()), None)
        }
        _ => panic!("no work is called {work}"),
    };
    let measurement = |cost: usize| json!({"cost": cost, "size": MODEL_BYTES});
    println!("{}", json!({"ours": measurement(ours), "yardstick": yardstick.map(measurement)}));
}

/// The line `VmHWM` of /proc/PROCESS/status, which tells KiB.
fn peak_bytes(process: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap()
}
