//! The stations of the core: each imports only what its own first comment says, and that stands below it.
//!
//! A station is a folder or a file of `src`. Its rule is one sentence of its module comment, "May import `a`, `b`." or
//! "May import nothing."; a name may have two parts, such as `score::point`. docs/architecture.md shows the picture.
//! Tests inside `src` may import whatever they need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// From the ground floor up.
const ORDER: [&str; 21] = [
    "civil",
    "control",
    "error",
    "numeric",
    "measure",
    "picture",
    "series",
    "view",
    "cluster",
    "direction",
    "residual",
    "metric",
    "window",
    "params",
    "expect",
    "calibrate",
    "model",
    "score",
    "episode",
    "drift",
    "train",
];
/// The longest file, in lines.
const LONGEST: usize = 700;

type Module = Vec<String>;

/// A file of `src`, without its tests.
struct File {
    /// Its path below `src`.
    path: String,
    module: Module,
    text: String,
}

/// What a file imports: the line, whether it only hands it on, and the path.
struct Import {
    line: usize,
    hands_on: bool,
    path: Vec<String>,
}

#[test]
fn every_file_belongs_to_a_station_and_is_short() {
    for file in files() {
        let lines = std::fs::read_to_string(source().join(&file.path))
            .unwrap()
            .lines()
            .count();
        assert!(lines < LONGEST, "src/{} has {lines} lines", file.path);
        let known = file.path == "lib.rs" || ORDER.contains(&file.module[0].as_str());
        assert!(
            known,
            "src/{} is of no station of tests/it/stations.rs",
            file.path
        );
    }
}

#[test]
fn stations_import_only_what_stands_below_them() {
    let files = files();
    let known = modules(&files);
    let rules = rules(&files);
    let mut wrong = Vec::new();
    for (station, allowed) in &rules {
        let below = ORDER.iter().take_while(|s| *s != station).collect::<Vec<_>>();
        for rule in allowed {
            let first = rule.split("::").next().unwrap_or_default();
            if !below.contains(&&first) {
                wrong.push(format!(
                    "{station} says that it may import {rule}, which is not below it"
                ));
            }
        }
    }
    for file in files.iter().filter(|f| f.path != "lib.rs") {
        let own = &file.module[0];
        for import in imports(file, &known) {
            let place = format!("src/{}:{}", file.path, import.line);
            let (target, rest) = resolved(&import.path, &known);
            let said = import.path.join("::");
            let Some(station) = target.first() else {
                wrong.push(format!(
                    "{place}: crate::{said} is a name that lib.rs only hands on"
                ));
                continue;
            };
            let within = |rule: &String| {
                let rule: Vec<&str> = rule.split("::").collect();
                import
                    .path
                    .iter()
                    .map(String::as_str)
                    .take(rule.len())
                    .eq(rule.iter().copied())
            };
            if station != own && !rules[own.as_str()].iter().any(within) {
                wrong.push(format!("{place}: {own} may not import crate::{said}"));
            }
            let handed_on = rest
                .first()
                .is_some_and(|name| hands_on(&files, &target, name, &known));
            if station == own && !import.hands_on && handed_on {
                wrong.push(format!(
                    "{place}: import the sibling of crate::{said} by its own path"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_files_of_a_station_import_each_other() {
    let files = files();
    let known = modules(&files);
    let mut edges: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for file in files.iter().filter(|f| f.path != "lib.rs") {
        for import in imports(file, &known).iter().filter(|i| !i.hands_on) {
            let (target, _) = resolved(&import.path, &known);
            let to = files.iter().find(|f| f.module == target).unwrap();
            if to.module.first() == file.module.first() && to.path != file.path {
                edges
                    .entry(&file.path)
                    .or_default()
                    .entry(&to.path)
                    .or_insert(import.line);
            }
        }
    }
    // What imports nothing that is left, or is imported by nothing that is left, is in no circle.
    loop {
        let from: BTreeSet<&str> = edges.keys().copied().collect();
        let to: BTreeSet<&str> = edges.values().flat_map(|to| to.keys().copied()).collect();
        edges.retain(|path, _| to.contains(path));
        edges
            .values_mut()
            .for_each(|to| to.retain(|path, _| from.contains(path)));
        edges.retain(|_, to| !to.is_empty());
        if edges.len() == from.len() {
            break;
        }
    }
    let places = edges.iter().flat_map(|(from, to)| {
        to.iter()
            .map(move |(path, line)| format!("src/{from}:{line} imports src/{path}"))
    });
    let places: Vec<String> = places.collect();
    assert!(places.is_empty(), "a circle is among:\n{}", places.join("\n"));
}

#[test]
fn one_file_knows_the_package_of_matrices() {
    for file in files() {
        let named = file.text.contains("nalgebra::");
        assert!(
            !named || file.path == "numeric/linalg.rs",
            "src/{} names nalgebra",
            file.path
        );
    }
}

/// The adapter compiles only where PostgreSQL is installed, so its one rule is held here.
#[test]
fn what_the_adapter_reads_with_knows_no_function() {
    let folder = source().join("../../../src/read");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (line, code) in text.lines().enumerate() {
            let upward = ["crate::function", "crate::monitor"]
                .iter()
                .any(|s| code.contains(s));
            assert!(!upward, "{}:{}: {code}", path.display(), line + 1);
        }
    }
}

#[test]
fn imports_are_read_as_the_compiler_reads_them() {
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        module: module_of(path),
        text: text.to_owned(),
    };
    let all = [
        file(
            "a/mod.rs",
            "mod b;\npub use b::{self, X};\nuse crate::{\n    c::Y,\n    d,\n};\nfn f() { b::g() }",
        ),
        file(
            "a/b.rs",
            "use super::X;\nuse std::fmt;\npub(in crate::a) fn f() -> super::super::c::Y {}",
        ),
        file("c.rs", ""),
        file("d.rs", ""),
    ];
    let known = modules(&all);
    let read = |file: &File| -> Vec<(usize, bool, String)> {
        let all = imports(file, &known).into_iter();
        all.map(|i| (i.line, i.hands_on, i.path.join("::"))).collect()
    };
    let found = |line, hands_on, path: &str| (line, hands_on, path.to_owned());
    assert_eq!(
        read(&all[0]),
        [
            found(2, true, "a::b"),
            found(2, true, "a::b::X"),
            found(3, false, "c::Y"),
            found(3, false, "d"),
            found(7, false, "a::b::g"),
        ]
    );
    assert_eq!(read(&all[1]), [found(1, false, "a::X"), found(3, false, "c::Y")]);
    assert!(hands_on(&all, &module_of("a/mod.rs"), "X", &known));
}

fn source() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files() -> Vec<File> {
    let mut folders = vec![source()];
    let mut out = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path
                .strip_prefix(source())
                .unwrap()
                .to_str()
                .unwrap()
                .replace('\\', "/");
            if name.ends_with("tests.rs") || !name.ends_with(".rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let end = text.find("\n#[cfg(test)]").unwrap_or(text.len());
            out.push(File {
                module: module_of(&name),
                path: name,
                text: text[..end].to_owned(),
            });
        }
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    out
}

fn module_of(path: &str) -> Module {
    let mut parts: Module = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

fn modules(files: &[File]) -> BTreeSet<Module> {
    files.iter().map(|f| f.module.clone()).collect()
}

/// What each station says that it may import.
fn rules(files: &[File]) -> BTreeMap<&str, Vec<String>> {
    let mut out = BTreeMap::new();
    for station in ORDER {
        let file = files.iter().find(|f| f.module == [station]).unwrap();
        let comment = file.text.lines().map_while(|l| l.strip_prefix("//!"));
        let comment: String = comment.collect();
        let rule = comment
            .split("May import ")
            .nth(1)
            .and_then(|r| r.split('.').next());
        let rule = rule.unwrap_or_else(|| panic!("src/{} does not say what it may import", file.path));
        let names = rule.split('`').skip(1).step_by(2).map(str::to_owned);
        out.insert(station, names.collect());
    }
    out
}

/// The module that a path leads to, and what follows.
fn resolved<'a>(path: &'a [String], known: &BTreeSet<Module>) -> (Module, &'a [String]) {
    let deep = (0..=path.len()).rev().find(|n| known.contains(&path[..*n]));
    let deep = deep.unwrap_or(0);
    (path[..deep].to_vec(), &path[deep..])
}

/// Whether a folder hands on a name of one of its files.
fn hands_on(files: &[File], folder: &Module, name: &str, known: &BTreeSet<Module>) -> bool {
    let file = files
        .iter()
        .find(|f| f.module == *folder && f.path.ends_with("mod.rs"));
    let all = file.map(|f| imports(f, known)).unwrap_or_default();
    all.iter()
        .any(|i| i.hands_on && i.path.last().is_some_and(|last| last == name))
}

/// What a file imports of the crate, as paths from its root: by `use`, and by a path in the text.
fn imports(file: &File, known: &BTreeSet<Module>) -> Vec<Import> {
    let text: String = file
        .text
        .split_inclusive('\n')
        .map(|line| match line.trim_start().starts_with("//") {
            true => "\n",
            false => line,
        })
        .collect();
    let mut out = Vec::new();
    let mut rest = text.as_str();
    let mut line = 1;
    while !rest.is_empty() {
        let end = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let statement = rest[..end].trim_start();
        let used = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "];
        let length = match used.iter().find(|u| statement.starts_with(**u)) {
            None => {
                for path in inline(statement) {
                    let path = rooted(&path, file, known);
                    out.extend(path.map(|path| (line, false, path)));
                }
                end
            }
            Some(used) => {
                let length = rest.find(';').unwrap() + 1;
                let tree = rest[..length].trim_start()[used.len()..].replace(char::is_whitespace, "");
                let hands_on = used.starts_with("pub") && file.path.ends_with("mod.rs");
                for path in expanded(tree.trim_end_matches(';')) {
                    let path = rooted(&path, file, known);
                    out.extend(path.map(|path| (line, hands_on, path)));
                }
                length
            }
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    let import = |(line, hands_on, path)| Import { line, hands_on, path };
    out.into_iter().map(import).collect()
}

/// The paths of a tree such as `a::{b, c::{self, d}}`, without spaces.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let split = |path: &str| -> Vec<String> {
        let parts = path.split("::").filter(|p| !p.is_empty() && *p != "self");
        parts.map(str::to_owned).collect()
    };
    let Some((before, inside)) = tree.split_once('{') else {
        return vec![split(tree)];
    };
    let inside = &inside[..inside.rfind('}').unwrap()];
    let (mut depth, mut from, mut parts) = (0, 0, Vec::new());
    for (i, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[from..]);
    let below = parts.into_iter().filter(|p| !p.is_empty()).flat_map(expanded);
    below
        .map(|path| split(before).into_iter().chain(path).collect())
        .collect()
}

/// The paths of two parts and more in a line of code, but for those of `pub(in ...)`.
fn inline(line: &str) -> Vec<Vec<String>> {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let tokens = line.replace("in crate::", "");
    let tokens = tokens.split(|c: char| !is_path(c)).filter(|t| t.contains("::"));
    let path = |token: &str| {
        token
            .split("::")
            .filter(|p| !p.is_empty())
            .map(str::to_owned)
            .collect()
    };
    tokens.map(path).collect()
}

/// A path from the root of the crate; none if it leads out of it, or to a name of the file itself.
fn rooted(path: &[String], file: &File, known: &BTreeSet<Module>) -> Option<Vec<String>> {
    let mut from = file.module.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (from, rest) = (Vec::new(), &rest[1..]),
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                from.pop();
                rest = &rest[1..];
            }
        }
        child => {
            from.push(child.to_owned());
            if !known.contains(&from) {
                return None;
            }
            rest = &rest[1..];
        }
    }
    from.extend_from_slice(rest);
    Some(from)
}
