//! Inline styles of mail, by an allow list of properties and of what their values may contain.

/// Properties that change how text looks and nothing else: none loads anything, none leaves the flow.
const PROPERTIES: &[&str] = &[
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-radius",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "display",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "table-layout",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-wrap",
];

/// Functions a value may call.
const FUNCTIONS: &[&str] = &["rgb", "rgba", "hsl", "hsla", "calc"];

/// Longest style attribute that is looked at.
const LONGEST: usize = 4096;

/// The declarations that may stay; empty when none may.
pub(crate) fn filter(style: &str) -> String {
    if style.len() > LONGEST {
        return String::new();
    }
    let mut kept = String::new();
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else {
            continue;
        };
        let property = property.trim().to_ascii_lowercase();
        let value = value.trim();
        if PROPERTIES.contains(&property.as_str()) && is_harmless(&property, value) {
            if !kept.is_empty() {
                kept.push(';');
            }
            kept.push_str(&property);
            kept.push(':');
            kept.push_str(value);
        }
    }
    kept
}

fn is_harmless(property: &str, value: &str) -> bool {
    if value.is_empty() || value.len() > 300 {
        return false;
    }
    // Escapes and comments can spell a forbidden word so that a plain search does not see it.
    if value.contains(['\\', '<', '>', '@', '{', '}', '&'])
        || value.contains("/*")
        || value.chars().any(char::is_control)
    {
        return false;
    }
    let lower = value.to_lowercase();
    if property == "display" {
        return matches!(
            lower.as_str(),
            "none" | "block" | "inline" | "inline-block" | "table" | "table-row" | "table-cell"
        );
    }
    let mut before = lower.as_str();
    while let Some(paren) = before.rfind('(') {
        let name = before[..paren]
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .next()
            .unwrap_or_default();
        if !name.is_empty() && !FUNCTIONS.contains(&name) {
            return false;
        }
        before = &before[..paren];
    }
    !lower.contains("expression") && !lower.contains("javascript") && !lower.contains("url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_stay() {
        let style = "color: #333; FONT-SIZE:12pt; border-top:solid #E1E1E1 1.0pt; width:calc(100% - 2px); color:rgb(1, 2, 3)";
        assert_eq!(
            filter(style),
            "color:#333;font-size:12pt;border-top:solid #E1E1E1 1.0pt;width:calc(100% - 2px);color:rgb(1, 2, 3)"
        );
    }

    #[test]
    fn what_loads_moves_or_hides_a_trick_goes() {
        for style in [
            "position:fixed",
            "background:url(https://t.example/p.gif)",
            "background-image:url('//t.example')",
            "color:url(x)",
            "width:expression(alert(1))",
            "color:u\\72l(x)",
            "font-family:'</style><script>'",
            "behavior:url(#x)",
            "-moz-binding:url(x)",
            "color:red/**/;--x:url(y)",
            "width:image-set('a' 1x)",
            "display:fixed",
            "z-index:9",
        ] {
            assert_eq!(filter(style), "", "{style}");
        }
    }
}
