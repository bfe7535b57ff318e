//! Choosing models as `dbt --select` does.

use std::collections::BTreeSet;

use hanok_error::{Code, Coded, code};

use crate::place::did_you_mean;
use crate::project::{Model, Project};

/// A selection fits nothing.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("nothing fits the selection `{selector}`")]
pub struct SelectError {
    /// The selection as given.
    pub selector: String,
    /// A similar model, folder or tag.
    pub similar: Option<String>,
}

impl Coded for SelectError {
    fn code(&self) -> Code {
        code::MODEL_SELECT
    }

    fn hint(&self) -> Option<String> {
        self.similar.as_ref().map(|name| format!("did you mean `{name}`?"))
    }
}

impl Project {
    /// The models that any of `selectors` fits, ascending; all models when there are no selectors.
    ///
    /// A selector is a model (`orders`), a folder (`marts`, `marts/core`, `models/marts`, `marts.core`), a file
    /// (`models/marts/orders.sql`) or a tag (`tag:daily`); a `+` before it adds all ancestors, after it all descendants.
    pub fn select<S: AsRef<str>>(&self, selectors: &[S]) -> Result<Vec<usize>, SelectError> {
        if selectors.is_empty() {
            return Ok((0..self.models.len()).collect());
        }
        let mut chosen = BTreeSet::new();
        for selector in selectors {
            let selector = selector.as_ref();
            let (core, up) = strip(selector, str::strip_prefix);
            let (core, down) = strip(core, str::strip_suffix);
            let fits: Vec<usize> =
                (0..self.models.len()).filter(|&at| fits(&self.models[at], core)).collect();
            if fits.is_empty() {
                return Err(SelectError { selector: selector.to_owned(), similar: self.similar(core) });
            }
            for at in fits {
                chosen.insert(at);
                if up {
                    chosen.extend(self.graph.ancestors(at));
                }
                if down {
                    chosen.extend(self.graph.descendants(at));
                }
            }
        }
        Ok(chosen.into_iter().collect())
    }

    fn similar(&self, core: &str) -> Option<String> {
        if let Some(tag) = core.strip_prefix("tag:") {
            let tags = self.models.iter().flat_map(|model| &model.config.tags).map(String::as_str);
            return did_you_mean(tag, tags).map(|tag| format!("tag:{tag}"));
        }
        let folders: BTreeSet<String> = self
            .models
            .iter()
            .flat_map(|model| (1..=model.folders.len()).map(|depth| model.folders[..depth].join("/")))
            .collect();
        let names = self.models.iter().map(|model| model.name.as_str());
        did_you_mean(core, names.chain(folders.iter().map(String::as_str)))
    }
}

fn strip<'a>(text: &'a str, strip: fn(&'a str, &'static str) -> Option<&'a str>) -> (&'a str, bool) {
    strip(text, "+").map_or((text, false), |rest| (rest, true))
}

fn fits(model: &Model, core: &str) -> bool {
    if let Some(tag) = core.strip_prefix("tag:") {
        return model.config.tags.contains(tag);
    }
    let path = core.strip_prefix("path:").unwrap_or(core);
    let path = path.trim_start_matches("./").trim_end_matches('/');
    if path == model.name || path == model.file || path == "models" {
        return true;
    }
    let path = path.strip_prefix("models/").unwrap_or(path);
    let parts: Vec<&str> = path.split(['/', '.']).collect();
    let own: Vec<&str> = model.folders.iter().map(String::as_str).chain([model.name.as_str()]).collect();
    own.starts_with(&parts)
}
