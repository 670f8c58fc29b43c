//! Properties of the codec over generated frames and over arbitrary bytes.

#[path = "support/strategies.rs"]
mod strategies;

use bytes::Bytes;
use proptest::prelude::*;
use relay_proto::frame::{ClientFrame, EncodedFrame, EncodedReceipt, EntriesEncoder, Frame, ItemBody, RelayFrame};
use relay_proto::wire::DecodeError;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn client_frames_round_trip(frame in strategies::client_frame()) {
        let bytes = frame.encode();
        prop_assert_eq!(ClientFrame::decode(&bytes), Ok(frame));
        let longer = Bytes::from([bytes.as_ref(), &[0]].concat());
        prop_assert_eq!(ClientFrame::decode(&longer), Err(DecodeError::TrailingBytes));
    }

    #[test]
    fn relay_frames_round_trip(frame in strategies::relay_frame()) {
        let bytes = frame.encode();
        prop_assert_eq!(RelayFrame::decode(&bytes), Ok(frame));
        let cut = bytes.slice(..bytes.len() - 1);
        prop_assert_eq!(RelayFrame::decode(&cut), Err(DecodeError::Truncated));
    }

    #[test]
    fn a_receipt_around_encoded_bytes_is_the_receipt(receipt in strategies::receipt()) {
        let encoded = EncodedReceipt {
            push_seq_first: receipt.push_seq_first,
            count: receipt.count,
            status: receipt.status.clone(),
            seq_first: receipt.seq_first,
            attestation: &receipt.attestation.encode(),
        };
        prop_assert_eq!(encoded.encode(), receipt.encode());
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_encode_back(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let bytes = Bytes::from(bytes);
        if let Ok(frame) = ClientFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes.clone());
        }
        if let Ok(frame) = RelayFrame::decode(&bytes) {
            prop_assert_eq!(frame.encode(), bytes);
        }
    }

    #[test]
    fn the_entries_encoder_equals_the_frame(entries in strategies::entries()) {
        let mut encoder = EntriesEncoder::new(entries.request, entries.first_seq, 0);
        for item in &entries.items {
            let fits = match &item.body {
                ItemBody::Sealed(sealed) => encoder.sealed(&item.device, item.push_seq, item.key_epoch, &sealed.0),
                ItemBody::Own(id) => encoder.own(&item.device, item.push_seq, item.key_epoch, id),
            };
            prop_assert!(fits);
        }
        let encoded = encoder.finish(entries.more, &entries.attestation);
        prop_assert_eq!(encoded.frame(), entries.encode());
        prop_assert_eq!(&encoded, &EncodedFrame::of(&entries));
        let (header, header_bytes) = relay_proto::wire::ws_binary_header(encoded.frame().len());
        prop_assert_eq!(usize::from(encoded.header_bytes), header_bytes);
        prop_assert_eq!(&encoded.bytes[..header_bytes], &header[..header_bytes]);
    }
}
