//! Certificates with a write block: whoever is in the list writes no more, from the moment it stands there.

mod gun_scene;
mod support;

use gun_scene::*;
use serde_json::{Value, json};

#[test]
fn who_is_in_the_list_of_the_certificate_writes_no_more() {
    let scene = scene();
    let (owner, writer) = (User::default(), User::default());
    let (home, inbox, list) =
        (format!("~{}", owner.public()), format!("~{}/inbox", owner.public()), format!("~{}/blocked", owner.public()));
    let mut peer = scene.peer();
    let mut count = 0;
    for block in ["blocked".to_owned(), list.clone()] {
        let terms = format!(r#"{{"c":"*","w":{{"*":"inbox"}},"wb":"{block}"}}"#);
        let more = format!(r#","*":"{}","+":{{"m":{terms},"s":"{}"}}"#, writer.public(), owner.sign(&terms));
        let mut written = |key: &str| -> Value {
            count += 1;
            without_ids(say(&mut peer, &writer.put(&format!("w{count}"), &inbox, key, "x", &more))).remove(0)
        };
        assert_eq!(written("before")["ok"], true, "{block}");
        let mut peer = scene.peer();
        let signed = |key: &str, soul: &str, value: &str, state: u64, id: &str| {
            let signature = owner.sign(&format!(r##"{{"#":"{soul}",".":"{key}",":":{value},">":{state}}}"##));
            put(id, soul, key, json!(format!(r#"{{":":{value},"~":"{signature}"}}"#)), state)
        };
        let link = format!(r##"{{"#":"{list}"}}"##);
        assert_eq!(say(&mut peer, &signed("blocked", &home, &link, 5, "link"))[0]["ok"], true);
        let state = if block == "blocked" { 10 } else { 30 };
        assert_eq!(say(&mut peer, &signed(&writer.public(), &list, "true", state, "block"))[0]["ok"], true);
        assert_eq!(written("after")["err"], "Certificant blocked.", "{block}");
        assert_eq!(say(&mut peer, &signed(&writer.public(), &list, "false", state + 10, "free"))[0]["ok"], true);
        assert_eq!(written("again")["ok"], true, "{block}");
    }
}
