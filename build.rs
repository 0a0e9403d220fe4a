//! Builds the front end and hands its folder to the binary that embeds it. `TEHPROF_WEB_DIST` names a folder that is
//! already built, for packagers and for places without Node.js.
#![expect(
    clippy::print_stderr,
    reason = "a build script speaks to cargo and to people by its streams"
)]
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, exit},
};

/// What the front end is made of. A change of anything else does not build it again.
const SOURCES: &[&str] = &[
    "package.json",
    "package-lock.json",
    "tenant.html",
    "index.html",
    "embed.html",
    "docs.html",
    "vite.config.ts",
    "vite.scripts.config.ts",
    "svelte.config.js",
    "tsconfig.json",
    "scripts",
    "messages",
    "public",
    "src",
];

fn main() {
    println!("cargo:rerun-if-env-changed=TEHPROF_WEB_DIST");
    println!("cargo:rerun-if-changed=migrations");
    // A position-independent binary has an entry for each address in its data; packed, they take a fiftieth.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    let built = match env::var_os("TEHPROF_WEB_DIST") {
        Some(dist) => {
            let dist = PathBuf::from(dist);
            println!("cargo:rerun-if-changed={}", dist.display());
            Ok(dist)
        }
        None => build(),
    };
    let placed = built.and_then(|dist| {
        let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("web");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        copy(&dist, &out)?;
        Ok(out)
    });
    match placed {
        Ok(out) => println!("cargo:rustc-env=TEHPROF_WEB={}", out.display()),
        Err(error) => {
            eprintln!("the front end was not built: {error}");
            eprintln!(
                "it needs Node.js 20.19 or newer with npm, or TEHPROF_WEB_DIST naming a folder that is built"
            );
            exit(1);
        }
    }
}

fn build() -> io::Result<PathBuf> {
    let web = Path::new("web");
    for source in SOURCES {
        println!("cargo:rerun-if-changed=web/{source}");
    }
    // npm writes this file when it has installed what the lock names.
    let (lock, stamp) = (
        web.join("package-lock.json"),
        web.join("node_modules/.package-lock.json"),
    );
    let newer = |a: &Path, b: &Path| -> io::Result<bool> {
        Ok(fs::metadata(a)?.modified()? > fs::metadata(b)?.modified()?)
    };
    if !stamp.exists() || newer(&lock, &stamp)? {
        npm(web, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"])?;
    }
    npm(web, &["run", "build"])?;
    Ok(web.join("dist"))
}

fn npm(web: &Path, arguments: &[&str]) -> io::Result<()> {
    let status = Command::new("npm")
        .args(arguments)
        .current_dir(web)
        // What npm prints would be taken for instructions to cargo.
        .stdout(io::stderr())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!(
            "npm {} failed",
            arguments.join(" ")
        )))
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
