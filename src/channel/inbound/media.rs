//! The files that came with what was said: asked for at the provider and put into the store, before anything is decided.
use super::{Event, postpone, talk::Ready};
use crate::{
    api::Upload,
    app::App,
    channel::{
        chat,
        config::Channel,
        heard::{Heard, Media, Said, Source},
        messenger::{self, Unfetched},
        whatsapp,
    },
    clock::{Millis, SECOND},
    db::sql::run,
    error::{Error, Result},
    tenant,
};

/// How long a file that is not there yet is waited for, each time; after the last the message comes without it.
const WAITS: [Millis; 4] = [5 * SECOND, 15 * SECOND, 45 * SECOND, 120 * SECOND];

/// Fetches the files of what was heard. Answers nothing if it is to be tried again later, which is then written down.
pub(super) async fn fetch(
    app: &App,
    channel: &Channel,
    event: &Event,
    heard: Vec<Heard>,
) -> Result<Option<Vec<Ready>>> {
    let mut all = Vec::with_capacity(heard.len());
    for heard in heard {
        let (mut uploads, mut lost) = (Vec::new(), Vec::new());
        if let Heard::Said(said) = &heard
            && !said.media.is_empty()
            && !is_known(app, channel, said).await?
        {
            for media in &said.media {
                match file(app, channel, media).await? {
                    Ok(upload) => uploads.push(upload),
                    Err(Unfetched::Never(why)) => lost.push((media.name.clone(), why)),
                    Err(Unfetched::Later(why)) => {
                        let tried = usize::try_from(event.attempts).unwrap_or(usize::MAX);
                        if let Some(wait) = WAITS.get(tried) {
                            again(app, event.id, *wait, why).await?;
                            return Ok(None);
                        }
                        lost.push((media.name.clone(), why));
                    }
                }
            }
        }
        all.push(Ready {
            heard,
            uploads,
            lost,
        });
    }
    Ok(Some(all))
}

/// Whether a message is here already: its files need not be fetched again.
async fn is_known(app: &App, channel: &Channel, said: &Said) -> Result<bool> {
    let (tenant, id, external) = (channel.tenant, channel.id, said.id.clone());
    app.db
        .read(move |db| Ok(chat::message(db, tenant, id, &external)?.is_some()))
        .await
}

async fn again(app: &App, event: i64, wait: Millis, why: String) -> Result<()> {
    app.db
        .write(move |tx| {
            run(
                tx,
                "update inbound_event set attempts = attempts + 1, detail = ?2 where id = ?1",
                (event, why),
            )?;
            postpone(tx, event, tx.now + wait)
        })
        .await
}

async fn file(app: &App, channel: &Channel, media: &Media) -> Result<Result<Upload, Unfetched>> {
    let tenant = channel.tenant;
    let limit = app
        .db
        .read(move |db| Ok(tenant::by_id(db, tenant)?.limits().file_mb))
        .await?;
    let limit = u64::from(limit) << 20;
    if media.size.is_some_and(|size| size > limit) {
        return Ok(Err(Unfetched::Never(format!(
            "larger than {} MB",
            limit >> 20
        ))));
    }
    let fetched = match (&media.source, messenger::of(app, channel)) {
        (Source::Inline(text), _) => whatsapp::decode(text, limit),
        (_, Some(messenger)) => messenger.fetch(media, limit).await,
        (_, None) => Err(Unfetched::Never("no messenger".into())),
    };
    let bytes = match fetched {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Err(why)),
    };
    let blobs = app.blobs.clone();
    let blob = tokio::task::spawn_blocking(move || blobs.put(tenant, &bytes))
        .await
        .map_err(Error::internal)??;
    Ok(Ok(Upload {
        blob,
        name: media.name.clone(),
        mime: media.mime.clone(),
    }))
}
