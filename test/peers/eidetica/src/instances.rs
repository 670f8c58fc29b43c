//! Two instances that know each other by a relay alone.

use crate::{Checked, check};
use eidetica::auth::Permission;
use eidetica::auth::crypto::{
    create_challenge_response, generate_challenge, generate_keypair, verify_challenge_response,
};
use eidetica::backend::database::InMemory;
use eidetica::crdt::Doc;
use eidetica::entry::ID;
use eidetica::store::DocStore;
use eidetica::sync::protocol::{SyncRequest, SyncResponse};
use eidetica::sync::transports::{SyncTransport, http::HttpTransport};
use eidetica::sync::{Address, Sync};
use eidetica::user::User;
use eidetica::user::types::{DatabasePreferences, SyncSettings};
use eidetica::{Database, Entry, Instance};
use std::sync::Arc;
use std::time::Duration;

/// How long an automatic send may take.
const SEND_TIME: Duration = Duration::from_secs(10);

struct Device {
    instance: Instance,
    user: User,
    sync: Arc<Sync>,
    relay: String,
}

impl Device {
    async fn new(name: &str, address: &Address) -> Checked<Self> {
        let instance = Instance::open(Box::new(InMemory::new()))?;
        instance.enable_sync()?;
        let sync = instance.sync().ok_or("the instance has no sync")?;
        sync.enable_http_transport()?;
        instance.create_user(name, None)?;
        let user = instance.login_user(name, None)?;
        let relay = sync.connect_to_peer(address).await?;
        sync.add_peer_address(&relay, address.clone())?;
        Ok(Self { instance, user, sync, relay })
    }

    /// A database that whoever has it may write to.
    fn create(&mut self) -> Checked<Database> {
        let key = self.user.get_default_key()?;
        let mut auth = Doc::new();
        let entry = |pubkey: &str, permissions| serde_json::json!({"pubkey": pubkey, "permissions": permissions, "status": "Active"});
        auth.set_json(&key, entry(&key, serde_json::json!({"Admin": 0})))?;
        auth.set_json("*", entry("*", serde_json::to_value(Permission::Write(10))?))?;
        let mut settings = Doc::new();
        settings.set_string("name", "through the relay");
        settings.set_doc("auth", auth);
        Ok(self.user.create_database(settings, &key)?)
    }

    /// The database of another device, to be written to with this one's key.
    fn open(&self, id: &ID) -> Checked<Database> {
        let key = self.user.get_signing_key(&self.user.get_default_key()?)?;
        Ok(Database::open(self.instance.clone(), id, key, "*".to_owned())?)
    }

    async fn exchange(&self, id: &ID) -> Checked {
        Ok(self.sync.sync_tree_with_peer(&self.relay, id).await?)
    }
}

fn write(database: &Database, key: &str, value: &str) -> Checked<ID> {
    let transaction = database.new_transaction()?;
    transaction.get_store::<DocStore>("notes")?.set_string(key, value)?;
    Ok(transaction.commit()?)
}

fn read(database: &Database, key: &str) -> Option<String> {
    database.get_store_viewer::<DocStore>("notes").ok()?.get_string(key).ok()
}

pub(crate) async fn run(host: &str) -> Checked {
    transport(host).await?;
    for address in [host.to_owned(), format!("a-device:a-token@{host}")] {
        println!("    peers that know the relay as http://{address}");
        databases(&Address::http(address)).await?;
    }
    Ok(())
}

/// What the transport of the crate makes of the answers.
async fn transport(host: &str) -> Checked {
    let (transport, address) = (HttpTransport::new()?, Address::http(host));
    let root = |data: &str| Entry::root_builder().set_subtree_data("data", data).build();
    let one = transport.send_request(&address, &SyncRequest::SendEntries(vec![root("1")?])).await?;
    check("one entry is acknowledged", one == SyncResponse::Ack)?;
    let two = transport.send_request(&address, &SyncRequest::SendEntries(vec![root("2")?, root("3")?])).await?;
    check("two entries are counted", two == SyncResponse::Count(2))?;
    // The control of all that follows: what a proof proves is not taken from anybody.
    let (key, public) = generate_keypair();
    let challenge = generate_challenge();
    let public = eidetica::auth::crypto::format_public_key(&public);
    let proven = |response: Vec<u8>| verify_challenge_response(&challenge, &response, &public).unwrap_or(false);
    check(
        "a challenge is answered by its key alone",
        proven(create_challenge_response(&challenge, &key)) && !proven(vec![0; 64]),
    )
}

async fn databases(address: &Address) -> Checked {
    let mut first = Device::new("first", address).await?;
    let second = Device::new("second", address).await?;
    check("both know the relay by the same key", first.relay == second.relay)?;

    let mine = first.create()?;
    let id = mine.root_id().clone();
    for n in 0..20 {
        write(&mine, &format!("key {n}"), &format!("value {n}"))?;
    }
    check("a tree that the relay does not have is not given to anybody", second.exchange(&id).await.is_err())?;
    first.exchange(&id).await?;
    second.exchange(&id).await?;
    let theirs = second.open(&id)?;
    check(
        "the second device reads what the first one wrote",
        (0..20).all(|n| read(&theirs, &format!("key {n}")) == Some(format!("value {n}"))),
    )?;
    check("both have the same tips", same_tips(&mine, &theirs)?)?;

    write(&theirs, "back", "from the second")?;
    second.exchange(&id).await?;
    first.exchange(&id).await?;
    check(
        "the first device reads what the second one wrote, under the key of everybody",
        read(&mine, "back").as_deref() == Some("from the second"),
    )?;

    write(&mine, "left", "at the same time")?;
    write(&theirs, "right", "at the same time")?;
    for device in [&first, &second, &first] {
        device.exchange(&id).await?;
    }
    let both = |database: &Database| ["left", "right"].iter().all(|key| read(database, key).is_some());
    check(
        "a fork comes to both",
        both(&mine) && both(&theirs) && same_tips(&mine, &theirs)? && mine.get_tips()?.len() == 2,
    )?;
    write(&theirs, "merged", "yes")?;
    second.exchange(&id).await?;
    first.exchange(&id).await?;
    check("and its merge", read(&mine, "merged").as_deref() == Some("yes") && mine.get_tips()?.len() == 1)?;

    automatic(&mut first, &second, &mine, &theirs).await
}

/// Commits that are sent by themselves.
async fn automatic(first: &mut Device, second: &Device, mine: &Database, theirs: &Database) -> Checked {
    let id = mine.root_id().clone();
    let key_id = first.user.get_default_key()?;
    let sync_settings = SyncSettings {
        sync_enabled: true,
        sync_on_commit: true,
        interval_seconds: None,
        properties: Default::default(),
    };
    first.user.add_database(DatabasePreferences { database_id: id.clone(), key_id, sync_settings })?;
    write(mine, "by itself", "sent")?;
    let end = tokio::time::Instant::now() + SEND_TIME;
    while read(theirs, "by itself").is_none() && tokio::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
        second.exchange(&id).await?;
    }
    check(
        "a commit is sent by itself and comes to the other device",
        read(theirs, "by itself").as_deref() == Some("sent"),
    )
}

fn same_tips(one: &Database, other: &Database) -> Checked<bool> {
    let tips = |database: &Database| -> Checked<Vec<String>> {
        let mut tips: Vec<String> = database.get_tips()?.iter().map(|tip| tip.as_str().to_owned()).collect();
        tips.sort();
        Ok(tips)
    };
    Ok(tips(one)? == tips(other)?)
}
