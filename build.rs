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
    // What we only call is no service of ours, and reflection does not tell of it.
    let (called, files): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|file| file.starts_with(root.join("etcd")));
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .build_server(false)
        .compile_fds(protox::compile(&called, [root])?)?;
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let descriptors = compiler.file_descriptor_set();
    // What gRPC reflection tells of our services.
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        // Bodies are passed on as they are, without a copy.
        .bytes(".troupe.bridge.v1")
        .bytes(".troupe.session.v1")
        // So are keys and values.
        .bytes(".kvrpcpb")
        .bytes(".pdpb")
        .bytes(".errorpb")
        .bytes(".troupe.sql.v1")
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
