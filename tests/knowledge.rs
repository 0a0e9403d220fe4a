//! The knowledge base: written by staff, read by clients, visitors and everybody.
use crate::support::{Caller, Desk};
use serde_json::{Value, json};

fn article(desk: &Desk, fields: Value) -> Value {
    let mut body = json!({ "title": "Касса не печатает чек", "content": "Проверьте **ленту**.", "status": "published" });
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    desk.alia.call("create_kb_article", body)
}

fn titles(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|a| a["title"].as_str().unwrap())
        .collect()
}

#[test]
fn an_article_is_written_changed_and_deleted() {
    let desk = Desk::open();
    let made = article(&desk, json!({ "category": "Касса" }));
    assert_eq!(
        (
            &made["slug"],
            &made["lang"],
            &made["status"],
            &made["views"]
        ),
        (
            &json!("kassa-ne-pechataet-chek"),
            &json!("ru"),
            &json!("published"),
            &json!(0)
        )
    );
    assert!(
        made["html"]
            .as_str()
            .unwrap()
            .contains("<strong>ленту</strong>")
    );
    // A second one of the title gets a name of its own; a name that was asked for and is taken is refused.
    assert_eq!(
        article(&desk, json!({}))["slug"],
        "kassa-ne-pechataet-chek-2"
    );
    let reply = desk.alia.ask(
        "create_kb_article",
        &json!({ "title": "x", "content": "y", "slug": "kassa-ne-pechataet-chek" }),
    );
    assert_eq!(
        (reply.status, reply.code(), &reply.json()["field"]),
        (400, "already_exists".into(), &json!("slug"))
    );
    // Another language may use it: it is the translation.
    let kazakh = article(
        &desk,
        json!({ "title": "Касса чек шығармайды", "lang": "kk", "slug": "kassa-ne-pechataet-chek" }),
    );
    assert_eq!(kazakh["languages"], json!(["ru", "kk"]));

    let id = made["id"].clone();
    let changed = desk.alia.call(
        "update_kb_article",
        json!({ "article_id": id, "title": "Новое имя", "content": "Совсем _другое_" }),
    );
    assert_eq!(
        (&changed["title"], &changed["slug"], &changed["category"]),
        (&json!("Новое имя"), &made["slug"], &json!("Касса"))
    );
    assert_eq!(
        desk.key.call("get_kb_article", json!({ "article_id": id }))["content"],
        "Совсем _другое_"
    );
    assert_eq!(
        titles(&desk.key.call("search_kb", json!({ "search": "ДРУГОЕ" }))),
        ["Новое имя"]
    );

    assert_eq!(
        desk.alia
            .call("delete_kb_article", json!({ "article_id": id })),
        json!({ "id": id, "deleted": true })
    );
    assert_eq!(
        desk.alia
            .refused("get_kb_article", json!({ "article_id": id })),
        (400, "article_not_found".into())
    );
    assert_eq!(
        desk.key.call("search_kb", json!({ "search": "другое" })),
        json!([])
    );
    desk.check();
}

#[test]
fn only_admins_write_and_what_is_wrong_is_named() {
    let desk = Desk::open();
    let body = json!({ "title": "x", "content": "y" });
    for (who, code) in [
        (&desk.omar, "role_required"),
        (&desk.saule, "role_required"),
        (&desk.key, "session_only"),
    ] {
        assert_eq!(
            who.refused("create_kb_article", body.clone()),
            (403, code.into())
        );
    }
    for (fields, field) in [
        (json!({ "content": "y" }), "title"),
        (json!({ "title": "x" }), "content"),
        (
            json!({ "title": "x", "content": "y", "status": "gone" }),
            "status",
        ),
        (
            json!({ "title": "x", "content": "y", "lang": "de" }),
            "lang",
        ),
        (
            json!({ "title": "x", "content": "y", "slug": "Не так" }),
            "slug",
        ),
    ] {
        let reply = desk.alia.ask("create_kb_article", &fields);
        assert_eq!(
            (reply.status, &reply.json()["field"]),
            (400, &json!(field)),
            "{fields}"
        );
    }
    assert_eq!(desk.count("select count(*) from kb_article"), 0);
    let preview = desk.alia.call(
        "preview_kb_article",
        json!({ "content": "text <script>x</script> **a**" }),
    );
    assert_eq!(
        preview["html"].as_str().unwrap().trim(),
        "<p>text x <strong>a</strong></p>"
    );
}

#[test]
fn search_finds_word_beginnings_and_stems_and_the_title_first() {
    let desk = Desk::open();
    article(
        &desk,
        json!({ "title": "Лента", "content": "О кассах ёмко: Қазақша әріптер." }),
    );
    article(&desk, json!({ "title": "Кассы", "content": "Про чеки." }));
    article(
        &desk,
        json!({ "title": "Печать", "content": "Ничего о ней.", "status": "draft" }),
    );
    let find = |words: &str| {
        let found = desk.key.call("search_kb", json!({ "search": words }));
        titles(&found).join(", ")
    };
    assert_eq!(find("касса"), "Кассы, Лента");
    assert_eq!(find("КАСС чек"), "Кассы");
    assert_eq!(find("емко"), "Лента");
    assert_eq!(find("ҚАЗАҚ"), "Лента");
    assert_eq!(find("печати"), "Печать");
    assert_eq!(find("\" OR *"), "");
    // A whole sentence is answered by what has some of its words.
    assert_eq!(find("сегодня утром касса сломалась"), "Кассы, Лента");
    assert_eq!(find("касса сломалась"), "");
}

#[test]
fn a_client_reads_what_is_published_in_their_language() {
    let desk = Desk::open();
    let made = article(&desk, json!({ "category": "Касса" }));
    article(
        &desk,
        json!({ "title": "Касса чек шығармайды", "lang": "kk", "slug": made["slug"] }),
    );
    let draft = article(
        &desk,
        json!({ "title": "Черновик про кассу", "status": "draft" }),
    );
    let ivan = desk.client("client.example", 7, "Иван");
    let list = ivan.call("kb_articles", json!({ "lang": "ru" }));
    assert_eq!(titles(&list), ["Касса не печатает чек"]);
    assert!(list[0]["status"].is_null() && list[0]["content"].is_null());
    assert_eq!(
        titles(&ivan.call("kb_articles", json!({ "lang": "kk" }))),
        ["Касса чек шығармайды"]
    );
    assert_eq!(
        titles(&ivan.call("kb_articles", json!({ "lang": "ru", "search": "касса" }))),
        ["Касса не печатает чек"]
    );
    assert_eq!(
        titles(&ivan.call("kb_articles", json!({ "kb_lang": "kk" }))),
        ["Касса чек шығармайды"]
    );
    for _ in 0..2 {
        let read = ivan.call("kb_article", json!({ "article_id": made["id"] }));
        assert!(read["html"].as_str().unwrap().contains("<strong>"));
    }
    assert_eq!(
        ivan.call(
            "kb_article",
            json!({ "slug": made["slug"], "kb_lang": "kk" })
        )["title"],
        "Касса чек шығармайды"
    );
    assert_eq!(
        ivan.refused("kb_article", json!({ "article_id": draft["id"] })),
        (400, "article_not_found".into())
    );
    // Readers are counted, staff are not.
    desk.omar
        .call("get_kb_article", json!({ "article_id": made["id"] }));
    assert_eq!(
        desk.omar
            .call("get_kb_article", json!({ "article_id": made["id"] }))["views"],
        2
    );
    // Another company's clients have another knowledge base.
    desk.greta.call(
        "create_client",
        json!({ "portal_domain": "other.example", "company_name": "Other" }),
    );
    let token = desk.greta.call(
        "create_client_token",
        json!({ "portal_domain": "other.example" }),
    );
    let other = desk.bearer(token["token"].as_str().unwrap());
    assert_eq!(other.call("kb_articles", json!({})), json!([]));
    assert_eq!(
        other.refused("kb_article", json!({ "article_id": made["id"] })),
        (400, "article_not_found".into())
    );
}

#[test]
fn a_visitor_finds_articles_while_everybody_may_read_them() {
    let desk = Desk::open();
    let visitor = desk.visitor();
    assert_eq!(visitor.call("config", json!({}))["kb"], false);
    let made = article(&desk, json!({}));
    let draft = article(&desk, json!({ "title": "Тайная касса", "status": "draft" }));
    assert_eq!(visitor.call("config", json!({}))["kb"], true);
    assert_eq!(
        titles(&visitor.call("kb_search", json!({ "search": "касса" }))),
        ["Касса не печатает чек"]
    );
    assert_eq!(
        visitor.call("kb_article", json!({ "article_id": made["id"] }))["views"],
        0
    );
    assert_eq!(
        visitor.call("kb_search", json!({ "search": "лента" }))[0]["views"],
        1
    );
    assert_eq!(
        visitor.refused("kb_article", json!({ "article_id": draft["id"] })),
        (400, "article_not_found".into())
    );
    desk.alia
        .call("save_kb_settings", json!({ "is_public": false }));
    assert_eq!(visitor.call("config", json!({}))["kb"], false);
    assert_eq!(
        visitor.call("kb_search", json!({ "search": "касса" })),
        json!([])
    );
    assert_eq!(
        visitor.refused("kb_article", json!({ "article_id": made["id"] })),
        (400, "article_not_found".into())
    );
}

#[test]
fn everybody_reads_the_public_pages_and_nobody_a_draft() {
    let desk = Desk::open();
    let everybody = desk.nobody();
    let made = article(
        &desk,
        json!({ "title": "Касса <b>&\"", "category": "Касса" }),
    );
    article(
        &desk,
        json!({ "title": "Till", "lang": "en", "slug": made["slug"] }),
    );
    article(
        &desk,
        json!({ "title": "Тайна", "content": "Тайна", "status": "draft", "slug": "secret" }),
    );
    let url = made["url"].as_str().unwrap();
    let path = format!("/kb/ru/{}", made["slug"].as_str().unwrap());
    assert!(url.ends_with(&path), "{url}");

    let home = everybody.header("accept-language", "en").get("/kb/");
    assert_eq!(
        (home.status, home.header("location")),
        (302, Some("/kb/en/"))
    );
    let list = everybody.get("/kb/ru/");
    assert_eq!(list.status, 200);
    let policy = list.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(list.text().contains("Касса &lt;b&gt;&amp;") && !list.text().contains("Тайна"));

    let page = everybody.get(&path);
    let page = page.text();
    assert!(page.contains("<html lang=\"ru\">") && page.contains("<strong>ленту</strong>"));
    assert!(
        page.contains(&format!("<link rel=\"canonical\" href=\"{url}\">")),
        "{page}"
    );
    assert!(page.contains("hreflang=\"en\"") && page.contains("<title>Касса &lt;b&gt;&amp;"));
    assert_eq!(
        desk.omar
            .call("get_kb_article", json!({ "article_id": made["id"] }))["views"],
        1
    );

    let found = everybody.get("/kb/ru/?q=%D0%BB%D0%B5%D0%BD%D1%82%D0%B0");
    let found = found.text();
    assert!(found.contains("Касса &lt;b&gt;") && found.contains("noindex"));
    for absent in [
        "/kb/ru/secret",
        "/kb/ru/none",
        "/kb/de/",
        "/kb/ru/a/b",
        "/kb/@nobody/ru/",
    ] {
        let reply = everybody.get(absent);
        assert_eq!(reply.status, 404, "{absent}");
        assert!(!reply.text().contains("Тайна"));
    }
    assert_eq!(
        everybody.send(&everybody.request("POST", "/kb/ru/")).status,
        405
    );
    // Another company has its own.
    desk.greta.call(
        "create_kb_article",
        json!({ "title": "Ours", "content": "Globex", "status": "published" }),
    );
    assert!(
        everybody
            .get("/kb/@globex/en/ours")
            .text()
            .contains("Globex")
    );
    assert!(everybody.get("/kb/en/ours").status == 404);

    desk.alia
        .call("save_kb_settings", json!({ "is_public": false }));
    assert_eq!(everybody.get(&path).status, 404);
    assert!(
        desk.alia
            .call("get_kb_article", json!({ "article_id": made["id"] }))["url"]
            .is_null()
    );
    let ivan: Caller = desk.client("client.example", 7, "Иван");
    assert_eq!(
        ivan.call("kb_article", json!({ "id": made["id"] }))["id"],
        made["id"]
    );
}

#[test]
fn a_client_is_told_what_their_plan_includes() {
    let desk = Desk::open();
    let ivan = desk.client("client.example", 7, "Иван");
    desk.alia.call(
        "client_settings",
        json!({ "portal_domain": "client.example", "data": { "hours_per_month": 20, "tariff_plan": "standard" } }),
    );
    let tariff = ivan.call("tariff", json!({}));
    assert_eq!(
        (
            &tariff["tariff_plan"],
            &tariff["hours_per_month"],
            &tariff["hours_used"],
            &tariff["hours_left"]
        ),
        (&json!("standard"), &json!(20.0), &json!(0.0), &json!(20.0))
    );
    assert!(tariff["notes"].is_null() && tariff["responsible_id"].is_null());
}
