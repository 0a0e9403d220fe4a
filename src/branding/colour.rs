//! From one colour of a tenant the colours that stay readable on it and beside it, in light and dark.
//! Contrast is that of WCAG 2.2 (relative luminance, section 1.4.3); text keeps at least 4.5 to 1.

type Rgb = [u8; 3];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/// The hardest surfaces that text of the brand's colour stands on, a chosen row in light and in dark.
const LIGHT: Rgb = [230, 236, 241];
const DARK: Rgb = [39, 49, 58];
/// What WCAG asks of text.
const READABLE: f64 = 4.5;

fn parse(hex: &str) -> Option<Rgb> {
    let digits = hex.strip_prefix('#').filter(|d| d.len() == 6)?;
    let part = |i: usize| u8::from_str_radix(digits.get(i..i + 2)?, 16).ok();
    Some([part(0)?, part(2)?, part(4)?])
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn luminance(colour: Rgb) -> f64 {
    let channel = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 {
            v / 12.92
        } else {
            ((v + 0.055) / 1.055).powf(2.4)
        }
    };
    let [r, g, b] = colour.map(channel);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The colour of text on a filled surface of `colour`.
fn on(colour: Rgb) -> Rgb {
    if contrast(colour, WHITE) >= contrast(colour, BLACK) {
        WHITE
    } else {
        BLACK
    }
}

/// `colour` moved towards black or white until it can be read on `surface`.
fn readable(colour: Rgb, surface: Rgb) -> Rgb {
    let towards = if luminance(surface) > 0.18 {
        BLACK
    } else {
        WHITE
    };
    (0..=25u16)
        .map(|step| {
            let mix = |i: usize| {
                let (from, to) = (u16::from(colour[i]), u16::from(towards[i]));
                u8::try_from((from * (25 - step) + to * step) / 25).unwrap_or(u8::MAX)
            };
            [mix(0), mix(1), mix(2)]
        })
        .find(|candidate| contrast(*candidate, surface) >= READABLE)
        .unwrap_or(towards)
}

/// The style sheet that lays a tenant's colours over the pages' own: that of surfaces, and that of links if it is another.
/// A text that is no colour changes nothing.
pub(crate) fn sheet(colour: &str, accent: Option<&str>) -> String {
    let Some(brand) = parse(colour) else {
        return String::new();
    };
    let (fill, on) = (hex(brand), hex(on(brand)));
    let links = accent.and_then(parse).unwrap_or(brand);
    let text = |surface: Rgb| {
        let (brand, links) = (hex(readable(brand, surface)), hex(readable(links, surface)));
        format!("--brand-text:{brand};--accent-text:{links}")
    };
    let (light, dark) = (text(LIGHT), text(DARK));
    format!(
        "html:root{{--brand:{fill};--on-brand:{on};{light}}}\
         @media (prefers-color-scheme:dark){{html:root:not([data-theme=light]){{{dark}}}}}\
         html:root[data-theme=dark]{{{dark}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_colour_stays_readable_in_both_themes() {
        for r in (0..=255).step_by(15) {
            for g in (0..=255).step_by(15) {
                for b in (0..=255).step_by(15) {
                    let colour = [r, g, b];
                    assert!(contrast(on(colour), colour) >= READABLE, "{colour:?}");
                    assert!(
                        contrast(readable(colour, LIGHT), LIGHT) >= READABLE,
                        "{colour:?}"
                    );
                    assert!(
                        contrast(readable(colour, DARK), DARK) >= READABLE,
                        "{colour:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_no_colour_makes_no_sheet() {
        assert_eq!(sheet("red;} body{display:none", None), "");
        assert_eq!(sheet("#ffe600", Some("red}")), sheet("#ffe600", None));
        assert!(sheet("#ffe600", None).contains("--on-brand:#000000"));
        assert!(sheet("#ffe600", Some("#0000c0")).contains("--accent-text:#0000c0"));
    }
}
