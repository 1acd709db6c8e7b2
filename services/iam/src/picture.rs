//! A QR code as a PNG, for the camera of an authenticator.

use qrcode::{Color, EcLevel, QrCode};

/// Pixels of a module.
const SCALE: usize = 4;
/// Modules of white around it.
const MARGIN: usize = 4;

/// `None` for a text that no code can hold.
pub(crate) fn qr_png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules = code.width();
    let colors = code.to_colors();
    let side = (modules + 2 * MARGIN) * SCALE;
    // One bit a pixel, white is 1; each line begins with its filter: none.
    let mut lines = Vec::with_capacity(side * (side / 8 + 2));
    for y in 0..side {
        lines.push(0);
        let mut line = vec![0xff_u8; side.div_ceil(8)];
        for x in 0..side {
            let module = |at: usize| (at / SCALE).checked_sub(MARGIN).filter(|m| *m < modules);
            if let (Some(column), Some(row)) = (module(x), module(y))
                && colors.get(row * modules + column) == Some(&Color::Dark)
            {
                line[x / 8] &= !(0x80 >> (x % 8));
            }
        }
        lines.extend_from_slice(&line);
    }
    let side = u32::try_from(side).ok()?.to_be_bytes();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &[&side[..], &side, &[1, 0, 0, 0, 0]].concat());
    chunk(&mut png, b"IDAT", &stored(&lines)?);
    chunk(&mut png, b"IEND", &[]);
    Some(png)
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    let start = out.len();
    out.extend_from_slice(kind);
    out.extend_from_slice(data);
    let sum = crc32(&out[start..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

/// A zlib stream that does not compress: the picture is small.
fn stored(data: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).ok()?;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (mut a, mut b) = (1u32, 0u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend_from_slice(&((b << 16) | a).to_be_bytes());
    Some(out)
}

fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(stored(b"Wikipedia").expect("stored")[16..], 0x11e6_0398_u32.to_be_bytes());
    }

    #[test]
    fn a_picture_is_as_large_as_its_code() {
        let png = qr_png("otpauth://totp/ann@111122223333?secret=ABC").expect("a picture");
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        let side = u32::from_be_bytes([png[16], png[17], png[18], png[19]]);
        assert_eq!((side % 4, png[24]), (0, 1));
    }
}
