//! Servers that fail in the ways in which clouds do, over S3's and Google's protocols: whatever they do, what is loaded is right or an error
//! that says what and where, and what is saved is whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::TryStreamExt as _;
use hyper::StatusCode;
use object_store::ObjectStore;
use tfjs_artifacts::{Error, ErrorKind};
use tfjs_router::{LoadHandler as _, LoadOptions, ModelStore as _, RemoveOptions};
use tfjs_testkit::{assert_same_model, samples};

use crate::loopback::Faults;
use crate::server::{GoogleServer, Server};
use crate::{KEY, handler, is_weights, keys, load, save};

/// A server of each protocol.
struct Cloud {
    store: Arc<dyn ObjectStore>,
    faults: Arc<Faults>,
    #[expect(dead_code, reason = "it ends when it is dropped")]
    server: Box<dyn Send + Sync>,
}

fn clouds() -> [Cloud; 2] {
    let (s3, google) = (Server::start(), GoogleServer::start());
    [
        Cloud { store: s3.store(), faults: Arc::clone(&s3.loopback.faults), server: Box::new(s3) },
        Cloud { store: google.store(), faults: Arc::clone(&google.loopback.faults), server: Box::new(google) },
    ]
}

/// What everything that can be asked of a store says.
async fn everything(store: &Arc<dyn ObjectStore>) -> [Result<(), Error>; 4] {
    let models = handler(store, "models");
    [
        load(store, KEY).await.map(drop),
        save(store, KEY, &samples::filled(2.0)).await,
        models.list().try_for_each(async |_| Ok(())).await,
        handler(store, KEY).remove(&RemoveOptions::new()).await.map(drop),
    ]
}

#[tokio::test]
async fn throttling_is_waited_for_and_then_told_as_transient() {
    for Cloud { store, faults, .. } in clouds() {
        save(&store, KEY, &samples::filled(1.0)).await.unwrap();
        faults.busy.store(3, Ordering::SeqCst);
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::filled(1.0));

        faults.busy.store(usize::MAX, Ordering::SeqCst);
        for result in everything(&store).await {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
            assert!(error.is_transient() && error.to_string().contains("models"), "{error}");
        }
        faults.heal();
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::filled(1.0));
    }
}

#[tokio::test]
async fn expired_credentials_are_told_with_what_to_do() {
    for Cloud { store, faults, .. } in clouds() {
        save(&store, KEY, &samples::filled(1.0)).await.unwrap();
        for status in [StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST] {
            *faults.refusal.lock().unwrap() = Some((status, "ExpiredToken"));
            for result in everything(&store).await {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
                assert!(!error.is_transient());
                let text = error.to_string();
                assert!(text.contains("credentials have expired") && text.contains("aws sso login"), "{text}");
            }
        }
        *faults.refusal.lock().unwrap() = Some((StatusCode::FORBIDDEN, "AccessDenied"));
        let error = load(&store, KEY).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("refused access"), "{error}");
        faults.heal();
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::filled(1.0));
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_read_on_or_an_error_that_names_the_file() {
    for Cloud { store, faults, .. } in clouds() {
        save(&store, KEY, &samples::many_shards(3)).await.unwrap();
        faults.torn.store(2, Ordering::SeqCst);
        assert_same_model(&load(&store, KEY).await.unwrap(), &samples::many_shards(3));
        always(&store, &faults, |faults| faults.torn.store(usize::MAX, Ordering::SeqCst)).await;
    }
}

#[tokio::test]
async fn a_body_that_is_too_short_is_an_error_that_names_the_file() {
    for Cloud { store, faults, .. } in clouds() {
        save(&store, KEY, &samples::many_shards(3)).await.unwrap();
        always(&store, &faults, |faults| faults.short.store(usize::MAX, Ordering::SeqCst)).await;
    }
}

/// With this fault all the time there are no weights, neither all at once nor a range of them.
async fn always(store: &Arc<dyn ObjectStore>, faults: &Faults, fault: fn(&Faults)) {
    let lazy = handler(store, KEY).load(&LoadOptions::lazy()).await.unwrap();
    fault(faults);
    let data = lazy.weights.as_ref().unwrap().data().clone();
    for error in [load(store, KEY).await.unwrap_err(), data.read(0..8).await.unwrap_err()] {
        let text = format!("{error:?} {error}");
        assert_eq!(error.kind(), ErrorKind::Transport, "{text}");
        assert!(error.is_transient());
        let weights = keys(store).await.into_iter().filter(|key| is_weights(key));
        assert!(weights.into_iter().any(|key| text.contains(&key)), "{text}");
    }
    faults.heal();
    assert_same_model(&load(store, KEY).await.unwrap(), &samples::many_shards(3));
    let data = handler(store, KEY).load(&LoadOptions::lazy()).await.unwrap().weights.unwrap().data().clone();
    assert_eq!(data.read(0..8).await.unwrap().len(), 8);
}

/// Each request of a save in turn is the first that fails, and all after it.
#[tokio::test]
async fn a_save_that_fails_at_any_request_leaves_a_whole_model() {
    for Cloud { store, faults, .. } in clouds() {
        let (mut old, new) = (samples::filled(1.0), samples::many_shards(3));
        let mut saved = 0;
        for good in 0.. {
            save(&store, KEY, &old).await.unwrap();
            *faults.broken_after.lock().unwrap() = Some(good);
            let outcome = save(&store, KEY, &new).await;
            faults.heal();
            let loaded = load(&store, KEY).await.unwrap();
            match outcome {
                Ok(()) => {
                    assert_same_model(&loaded, &new);
                    saved += 1;
                }
                Err(error) => {
                    assert!(error.is_transient() && error.to_string().contains(KEY), "{error:?}");
                    assert_same_model(&loaded, &old);
                }
            }
            if saved == 4 {
                assert!(good > 5, "{good} requests are too few for a save");
                break;
            }
            // Neither of the two is the same as before.
            old = samples::filled(f32::from(u16::try_from(good).unwrap()) + 3.0);
        }
    }
}
