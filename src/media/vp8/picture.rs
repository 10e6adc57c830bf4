//! The synthetic picture: a ramp, a moving dot, some blocks that change all the time, and the barcode in the first rows.

use super::mosaic::BLOCK;
use crate::media::Barcode;

const WHITE: u8 = 235;
pub(in crate::media) const BLACK: u8 = 16;
const THRESHOLD: u8 = 125;
const DOT: u8 = 230;
/// Cells in a row, where the picture is wide enough.
const CELLS_IN_A_ROW: usize = 32;
/// Blocks that change with every frame, so that the stream is no still picture to any statistics.
const BUSY: usize = 12;

/// Draws one picture, a luma value for each macroblock.
pub(in crate::media) fn draw(blocks: &mut [u8], columns: usize, code: &Barcode) {
    let below = code_rows(columns) * columns;
    for (i, block) in blocks.iter_mut().enumerate() {
        *block = (70 + (i / columns) * 4 + (i % columns) * 2).min(200) as u8;
    }
    draw_motion(&mut blocks[below..], code.frame);
    let bits = code.bits();
    let in_a_row = columns.min(CELLS_IN_A_ROW);
    for cell in 0..Barcode::CELLS {
        let white = bits >> (Barcode::CELLS - 1 - cell) & 1 == 1;
        blocks[cell / in_a_row * columns + cell % in_a_row] = if white { WHITE } else { BLACK };
    }
}

/// Whether a barcode and something that moves have room.
pub(in crate::media) fn fits(columns: usize, rows: usize) -> bool {
    columns > 0 && rows > code_rows(columns)
}

/// Reads the barcode of a decoded picture of its original size; none if it carries no whole one.
pub(in crate::media) fn read(luma: &[u8], width: usize, height: usize) -> Option<Barcode> {
    let columns = width.div_ceil(BLOCK);
    let in_a_row = columns.min(CELLS_IN_A_ROW);
    if columns == 0 || height < code_rows(columns) * BLOCK {
        return None;
    }
    let mut bits = 0;
    for cell in 0..Barcode::CELLS {
        let x = (cell % in_a_row * BLOCK + BLOCK / 2).min(width - 1);
        let y = cell / in_a_row * BLOCK + BLOCK / 2;
        bits = bits << 1 | u128::from(*luma.get(y * width + x)? > THRESHOLD);
    }
    Barcode::from_bits(bits)
}

fn code_rows(columns: usize) -> usize {
    Barcode::CELLS.div_ceil(columns.clamp(1, CELLS_IN_A_ROW))
}

fn draw_motion(blocks: &mut [u8], frame: u32) {
    // Xorshift: the same frame number always gives the same picture.
    let mut random = frame.wrapping_mul(2_654_435_761) | 1;
    for _ in 0..BUSY {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        blocks[random as usize % blocks.len()] = (40 + (random >> 20) % 160) as u8;
    }
    blocks[frame as usize % blocks.len()] = DOT;
}

#[cfg(test)]
mod tests {
    use oxideav_vp8::Vp8DecoderState;

    use super::*;
    use crate::media::Stamp;
    use crate::media::vp8::Mosaic;

    #[test]
    fn the_barcode_reads_back_from_decoded_pixels_at_several_sizes() {
        for (width, height) in [(160, 176), (320, 180), (640, 360), (1280, 720)] {
            let mut mosaic = Mosaic::new(width, height);
            assert!(fits(mosaic.columns(), mosaic.rows()));
            let mut decoder = Vp8DecoderState::new();
            let mut blocks = vec![0; mosaic.columns() * mosaic.rows()];
            for frame in 0..40 {
                let stamp =
                    Stamp { peer: 77, stream: 3, frame, wall_us: u64::from(frame) * 33_333, synthetic: true };
                draw(&mut blocks, mosaic.columns(), &stamp.barcode());
                let mut bytes = mosaic.write(&blocks, frame % 15 == 0);
                bytes.extend(stamp.to_bytes());
                let shown = decoder.decode_frame(&bytes).unwrap();
                let code = read(&shown.y, usize::from(width), usize::from(height));
                assert_eq!(code, Some(stamp.barcode()), "{width}x{height}, frame {frame}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_barcode_reads_as_none() {
        assert_eq!(read(&[90; 640 * 360], 640, 360), None);
        assert_eq!(read(&[90; 16 * 16], 16, 16), None);
        assert_eq!(read(&[], 640, 360), None);
    }
}
