//! The system's fonts, for letters of pictures that the built-in one does not have.

use std::collections::BTreeSet;
use std::fs::{DirEntry, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hanok_charts::covered;

/// Parts of file names of fonts for Hangul, the most fitting first.
const PREFERRED: &[&str] = &[
    "notosanskr",
    "notosanscjkkr",
    "notosanscjk",
    "sourcehansanskr",
    "sourcehansansk",
    "pretendard",
    "applesdgothicneo",
    "malgun",
    "nanumgothic",
    "nanumbarungothic",
    "nanum",
    "gulim",
    "dotum",
    "applegothic",
    "unifont",
];
/// Parts of names of other weights and widths than those of ordinary text.
const STYLES: &[&str] = &[
    "bold",
    "light",
    "thin",
    "black",
    "medium",
    "heavy",
    "italic",
    "oblique",
    "condensed",
    "coding",
    "mono",
    "serif",
];
/// Folders below the folders of fonts that are looked into.
const FOLDERS_MAX: usize = 2000;
/// Levels below a folder of fonts.
const DEPTH_MAX: usize = 6;
/// Fonts that are opened to look for letters.
const OPENED_MAX: usize = 40;
/// The largest file that is opened, in bytes.
const FONT_BYTES_MAX: u64 = 128 << 20;

/// The system's fonts that together have as many of some letters as can be had, in the order in which they were found.
pub(crate) fn fonts_for(letters: &BTreeSet<char>) -> Vec<Vec<u8>> {
    let mut files: Vec<(usize, PathBuf)> =
        folders().iter().flat_map(|folder| font_files(folder)).map(|path| (rank(&path), path)).collect();
    files.sort();
    let (mut missing, mut found) = (letters.clone(), Vec::new());
    for (_, path) in files.into_iter().take(OPENED_MAX) {
        if missing.is_empty() {
            break;
        }
        let Some(bytes) = read(&path) else { continue };
        // What is no font after all has no letters.
        let has = covered(&bytes, &missing).unwrap_or_default();
        if !has.is_empty() {
            missing.retain(|letter| !has.contains(letter));
            found.push(bytes);
        }
    }
    found
}

/// Where systems keep fonts.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        ["/usr/share/fonts", "/usr/local/share/fonts", "/System/Library/Fonts", "/Library/Fonts"]
            .map(PathBuf::from)
            .to_vec();
    let below = |variable: &str, rest: &[&str]| {
        let root = std::env::var_os(variable).filter(|root| !root.is_empty());
        root.map(|root| rest.iter().fold(PathBuf::from(root), |path, part| path.join(part)))
    };
    folders.extend(below("XDG_DATA_HOME", &["fonts"]));
    folders.extend(below("HOME", &[".local", "share", "fonts"]));
    folders.extend(below("HOME", &[".fonts"]));
    folders.extend(below("HOME", &["Library", "Fonts"]));
    folders.extend(below("WINDIR", &["Fonts"]));
    folders.extend(below("LOCALAPPDATA", &["Microsoft", "Windows", "Fonts"]));
    folders
}

/// Files below a folder that are named like fonts.
fn font_files(folder: &Path) -> Vec<PathBuf> {
    let mut waiting = vec![(folder.to_owned(), 0)];
    let mut found = Vec::new();
    let mut looked_into = 0;
    while let Some((folder, depth)) = waiting.pop() {
        looked_into += 1;
        // A folder that is not there, or not readable, has no fonts.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if depth < DEPTH_MAX && looked_into + waiting.len() < FOLDERS_MAX {
                        waiting.push((entry.path(), depth + 1));
                    }
                }
                _ => found.extend(font_file(&entry)),
            }
        }
    }
    found
}

fn font_file(entry: &DirEntry) -> Option<PathBuf> {
    let path = entry.path();
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    ["ttf", "otf", "ttc", "otc"].contains(&extension.as_str()).then_some(path)
}

/// Smaller for fonts that fit better.
fn rank(path: &Path) -> usize {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    let family = PREFERRED.iter().position(|part| name.contains(part)).unwrap_or(PREFERRED.len());
    family * 2 + usize::from(STYLES.iter().any(|part| name.contains(part)))
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    if size > FONT_BYTES_MAX {
        return None;
    }
    file.take(FONT_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitting_fonts_come_first() {
        let mut paths = [
            "/f/DejaVuSans.ttf",
            "/f/NanumGothicBold.ttf",
            "/f/malgun.ttf",
            "/f/NotoSansCJK-Regular.ttc",
            "/f/NanumGothic.ttf",
            "/f/NotoSansCJK-Bold.ttc",
            "/f/NotoSansKR[wght].ttf",
        ];
        paths.sort_by_key(|path| rank(Path::new(path)));
        let names: Vec<_> = paths.iter().map(|path| &path[3..path.len() - 4]).collect();
        assert_eq!(
            names,
            [
                "NotoSansKR[wght]",
                "NotoSansCJK-Regular",
                "NotoSansCJK-Bold",
                "malgun",
                "NanumGothic",
                "NanumGothicBold",
                "DejaVuSans"
            ]
        );
    }

    #[test]
    fn folders_are_looked_through() {
        let root = std::env::temp_dir().join(format!("hanok-fonts-{}", std::process::id()));
        let deep = root.join("truetype/nanum");
        std::fs::create_dir_all(&deep).unwrap();
        for name in ["truetype/a.TTF", "truetype/nanum/b.otf", "truetype/c.txt"] {
            std::fs::write(root.join(name), "no font").unwrap();
        }
        let mut found = font_files(&root);
        found.sort();
        assert_eq!(found, [root.join("truetype/a.TTF"), deep.join("b.otf")]);
        assert!(font_files(&root.join("none")).is_empty());
        std::fs::remove_dir_all(root).unwrap();
    }
}
