//! What outlives a call: nothing but what `tsad_core::prepare` makes.
//!
//! The extension gives back all memory that was taken in a call which ran out of it. A lazy table, a cache or a lock that
//! was filled then would hold memory that is others' by now.

use std::fs;
use std::path::Path;

/// Lines of the sources below a folder that make something which lives on.
fn found(folder: &Path, all: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found(&path, all);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let lives_on = |line: &&str| {
            let line = line
                .trim_start()
                .trim_start_matches("pub(super) ")
                .trim_start_matches("pub(crate) ");
            line.starts_with("static ")
                || line.starts_with("pub static ")
                || line.starts_with("thread_local!")
        };
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        all.extend(text.lines().filter(lives_on).map(|l| {
            let word = l.split(':').next().unwrap().split(' ').next_back().unwrap();
            format!("{name} {word}")
        }));
    }
}

#[test]
fn only_what_is_prepared_outlives_a_call() {
    let mut all = Vec::new();
    found(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all.sort();
    // A new one must be made in `prepare`, and named here.
    assert_eq!(
        all,
        ["context.rs RANDOM", "regression.rs FEW", "regression.rs MANY"]
    );
    tsad_core::prepare();
}
