//! Runs the real binary and shows what it did as one text.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder to run in, gone at the end of the test.
pub(crate) struct Hanok {
    folder: tempfile::TempDir,
}

impl Hanok {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder with the project that `hanok init` writes.
    pub(crate) fn with_project() -> Self {
        let hanok = Self::new();
        assert!(hanok.run(&["init", "."]).status.success());
        hanok
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// The binary with nothing of this process's environment that could change its words.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hanok"));
        command.args(arguments).current_dir(self.folder.path());
        for name in [
            "HANOK_LAKE",
            "HANOK_BRANCH",
            "USER",
            "LOGNAME",
            "HANOK_THREADS",
            "HANOK_MEMORY_MB",
            "COLUMNS",
            "CLICOLOR_FORCE",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs it to its end, which must be a good one, and reads the object that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    /// Runs it and tells everything that one sees.
    pub(crate) fn show(&self, arguments: &[&str]) -> String {
        shown(&self.run(arguments))
    }

    /// Compares what a run showed with the snapshot of that name.
    pub(crate) fn check(&self, name: &str, shown: &str) {
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        for (pattern, shown_as) in self.filters() {
            settings.add_filter(&pattern, shown_as);
        }
        settings.bind(|| insta::assert_snapshot!(name, shown));
    }

    /// What changes from run to run and from machine to machine, with what stands for it.
    fn filters(&self) -> Vec<(String, &'static str)> {
        let mut filters: Vec<(String, &'static str)> = vec![
            (r" *\b\d+\.\d+ m?s\b".into(), " [TIME]"),
            (
                r#""(seconds|init|load|build|apply|join|materialize|predict|explain|plot|serve|drift|swap|total)": ?[0-9.e-]+"#.into(),
                r#""$1": [TIME]"#,
            ),
            (r" *\b\d+ µs\b".into(), " [MICROS]"),
            (r#""(started|finished|created|added|fork|expires)_us": ?\d+"#.into(), r#""${1}_us": [NOW]"#),
            (r"\b\d+\.\d [kM]B\b".into(), "[SIZE]"),
            (r#""bytes_added": ?\d+"#.into(), r#""bytes_added": [SIZE]"#),
            (r"\b20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\d\b".into(), "[NOW]"),
            (r"\b01[0-9A-HJKMNP-TV-Z]{24}\b".into(), "[ULID]"),
            (r"part-[0-9a-f]{5}-[0-9a-f-]{36}-c000".into(), "part-[UUID]"),
        ];
        for folder in [self.folder.path().canonicalize().unwrap(), self.folder.path().to_owned()] {
            filters.push((escaped(&folder), "[DIR]"));
        }
        filters
    }
}

/// Exit code, standard output, standard error.
pub(crate) fn shown(output: &Output) -> String {
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("exit code: {code}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}")
}

fn escaped(path: &Path) -> String {
    path.display()
        .to_string()
        .chars()
        .flat_map(|c| if c.is_alphanumeric() { vec![c] } else { vec!['\\', c] })
        .collect()
}
