//! The pinyin initials of a name: what people type who do not want to type Chinese. Pure.

use pinyin::ToPinyinMulti;

/// A name whose characters have so many readings together is looked for by the first of each from there on.
const READINGS: usize = 8;

/// The initials of a name in every reading, separated by spaces: 单田 is `dt st ct`. Letters and digits stand for
/// themselves, all other signs are passed over.
pub(crate) fn initials(name: &str) -> String {
    let mut readings = vec![String::new()];
    for character in name.chars() {
        let letters = letters(character);
        let Some(first) = letters.first() else { continue };
        if readings.len() * letters.len() <= READINGS {
            readings = letters
                .iter()
                .flat_map(|letter| readings.iter().map(move |reading| format!("{reading}{letter}")))
                .collect();
        } else {
            readings.iter_mut().for_each(|reading| reading.push(*first));
        }
    }
    readings.join(" ")
}

/// The letters with which the readings of a character begin, the usual one first.
fn letters(character: char) -> Vec<char> {
    if character.is_ascii_alphanumeric() {
        return vec![character.to_ascii_lowercase()];
    }
    let mut letters = Vec::new();
    for reading in character.to_pinyin_multi().into_iter().flatten() {
        // The interjection 欸 is read ê, which nobody types.
        let letter = reading.plain().chars().next().map(|letter| if letter == 'ê' { 'e' } else { letter });
        if let Some(letter) = letter.filter(|letter| !letters.contains(letter)) {
            letters.push(letter);
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_has_the_initials_of_its_characters() {
        assert_eq!(initials("张三丰"), "zsf");
        assert_eq!(initials("欧阳娜娜"), "oynn");
        assert_eq!(initials("Anna·Lee"), "annalee");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn a_character_that_is_read_in_several_ways_is_found_by_each() {
        for (name, reading) in [("单田", "st"), ("单田", "dt"), ("曾强", "zq"), ("曾强", "cq"), ("仇和", "qh")]
        {
            assert!(initials(name).split(' ').any(|initials| initials == reading), "{name}: {}", initials(name));
        }
    }

    #[test]
    fn every_character_has_plain_letters() {
        for character in '\u{4e00}'..='\u{9fff}' {
            assert!(letters(character).iter().all(char::is_ascii_lowercase), "{character}: {:?}", letters(character));
        }
    }

    proptest! {
        #[test]
        fn initials_are_few_and_plain(name in "[\u{4e00}-\u{9fa5}a-zA-Z·]{0,20}") {
            let initials = initials(&name);
            prop_assert!(initials.split(' ').count() <= READINGS);
            prop_assert!(initials.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b' '), "{}", initials);
        }
    }
}
