//! Compiles `proto/` into `OUT_DIR`. protox is a protobuf compiler in Rust, so no `protoc` is needed.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new("proto");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=proto");
    let mut files = Vec::new();
    collect(root, &mut files)?;
    files.sort();
    let descriptors = protox::compile(&files, [root])?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        // Bodies are passed on as they are, without a copy.
        .bytes(".troupe.bridge.v1")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Every `.proto` file below `dir`.
fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
