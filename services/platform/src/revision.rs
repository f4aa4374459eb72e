//! Etags and update masks: what a caller says of the state they saw and of the fields they mean.

use prost_types::FieldMask;

use crate::error::{Error, Result, Violation};

/// The revision an `etag` names; none if the caller does not care.
///
/// # Errors
/// When it is not an etag of ours.
pub fn expected(etag: &str) -> Result<Option<i64>> {
    match etag {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Error::field("etag", "is not one that a record came with")),
    }
}

/// Refuses to change a record that has changed since the caller saw it.
///
/// # Errors
/// [`Error::Stale`].
pub fn must_be(expected: Option<i64>, actual: i64, name: &impl ToString) -> Result<()> {
    match expected {
        Some(revision) if revision != actual => Err(Error::Stale { name: name.to_string() }),
        _ => Ok(()),
    }
}

/// The fields that an update means.
#[derive(Debug, Clone)]
pub struct Mask(Vec<String>);

impl Mask {
    /// Reads a mask of fields that may be changed. A mask is required: a forgotten one must not empty
    /// every field that the caller did not send.
    ///
    /// # Errors
    /// When it is empty, or names a field that cannot be changed.
    pub fn read(mask: Option<FieldMask>, changeable: &[&str]) -> Result<Self> {
        let paths = mask.unwrap_or_default().paths;
        if paths.is_empty() {
            return Err(Error::field(
                "update_mask",
                format!("names no field; these can be changed: {}", changeable.join(", ")),
            ));
        }
        let wrong: Vec<Violation> = paths
            .iter()
            .filter(|path| !changeable.contains(&path.as_str()))
            .map(|path| Violation {
                field: "update_mask".to_owned(),
                message: format!("{path} cannot be changed; these can: {}", changeable.join(", ")),
            })
            .collect();
        if wrong.is_empty() { Ok(Self(paths)) } else { Err(Error::Invalid(wrong)) }
    }

    /// Is this field meant?
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|path| path == field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_etag_is_refused_and_none_is_not() {
        assert!(must_be(Some(2), 3, &"x").is_err());
        assert!(must_be(Some(3), 3, &"x").is_ok());
        assert!(must_be(None, 3, &"x").is_ok());
        assert!(expected("W/3").is_err());
    }

    #[test]
    fn a_mask_names_fields_that_can_be_changed() {
        let mask = |paths: &[&str]| Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() });
        assert!(Mask::read(None, &["a"]).is_err());
        assert!(Mask::read(mask(&["a", "name"]), &["a", "b"]).is_err());
        assert!(Mask::read(mask(&["a"]), &["a", "b"]).is_ok_and(|mask| mask.has("a") && !mask.has("b")));
    }
}
