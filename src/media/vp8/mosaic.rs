//! Writes VP8 frames (RFC 6386) whose 16x16 macroblocks are flat, so no transform and no search is needed.
//!
//! A block is either kept from the last frame (ZEROMV, no coefficients) or predicted from its neighbours (DC_PRED) and
//! corrected by one coefficient, the DC of the Y2 block. The loop filter is off, so the decoded picture is exactly the
//! prediction that this writer keeps, and a receiver may compare pixel by pixel.

use oxideav_vp8::dct_tokens::BlockType;
use oxideav_vp8::encoder::COEFF_UPDATE_PROBS_FLAT;
use oxideav_vp8::tables::{COEFF_BANDS, DC_QLOOKUP, DEFAULT_COEFF_PROBS, MV_COUNTS_TO_PROBS};
use oxideav_vp8::{BoolEncoder, encode_coeff_block};

/// The side of a macroblock in pixels.
pub(in crate::media) const BLOCK: usize = 16;

/// Probabilities of the flags "this motion vector probability changes" (RFC 6386 §17.2).
const MV_UPDATE_PROBS: [u8; 38] = [
    237, 246, 253, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 250, 250, 252, 254, 254, //
    231, 243, 245, 253, 254, 254, 254, 254, 254, 254, 254, 254, 254, 254, 251, 251, 254, 254, 254,
];
/// The quantiser index of every frame.
const QUANTISER: u8 = 80;
/// What one level of the Y2 DC coefficient stands for: twice the DC factor (RFC 6386 §14.1).
const STEP: i32 = DC_QLOOKUP[QUANTISER as usize] as i32 * 2;
/// A block that differs by no more than this from what is wanted is kept; half a level, rounded up.
const TOLERANCE: i32 = STEP / 128 + 1;
/// Probabilities that the header announces: most blocks of a key frame are coded, most others are kept.
const SKIP_PROB_KEY: u8 = 128;
const SKIP_PROB_INTER: u8 = 16;
const INTRA_PROB: u8 = 16;
const LAST_PROB: u8 = 255;
const GOLDEN_PROB: u8 = 128;

/// Writes the frames of one stream.
#[derive(Debug)]
pub(in crate::media) struct Mosaic {
    width: u16,
    height: u16,
    columns: usize,
    rows: usize,
    /// What every correct decoder shows, one luma value for each block.
    shown: Vec<u8>,
    /// Blocks of this frame that are kept, and columns whose last block had a coefficient: scratch space.
    kept: Vec<bool>,
    coded_above: Vec<bool>,
    started: bool,
}

impl Mosaic {
    /// A stream of that size in pixels; blocks at the right and lower edge are cropped.
    pub(in crate::media) fn new(width: u16, height: u16) -> Self {
        let columns = usize::from(width).div_ceil(BLOCK);
        let rows = usize::from(height).div_ceil(BLOCK);
        Self {
            width,
            height,
            columns,
            rows,
            shown: vec![0; columns * rows],
            kept: vec![false; columns * rows],
            coded_above: vec![false; columns],
            started: false,
        }
    }

    pub(in crate::media) fn columns(&self) -> usize {
        self.columns
    }

    pub(in crate::media) fn rows(&self) -> usize {
        self.rows
    }

    /// One frame that shows `wanted`, a luma value for each block, as nearly as the quantiser allows. The first frame is
    /// a key frame in any case.
    pub(in crate::media) fn write(&mut self, wanted: &[u8], key: bool) -> Vec<u8> {
        let key = key || !self.started;
        self.started = true;
        self.kept.fill(false);
        self.coded_above.fill(false);
        let mut modes = BoolEncoder::new();
        let mut tokens = BoolEncoder::new();
        write_header(&mut modes, key);
        for row in 0..self.rows {
            let mut coded_left = false;
            for column in 0..self.columns {
                let level = self.write_modes(&mut modes, row, column, wanted, key);
                if level != 0 {
                    write_tokens(&mut tokens, level, self.coded_above[column], coded_left);
                }
                coded_left = level != 0;
                self.coded_above[column] = coded_left;
            }
        }
        self.assemble(key, &modes.finish(), &tokens.finish())
    }

    /// Keeps or predicts one block; returns the level of its coefficient.
    fn write_modes(
        &mut self,
        modes: &mut BoolEncoder,
        row: usize,
        column: usize,
        wanted: &[u8],
        key: bool,
    ) -> i32 {
        let block = row * self.columns + column;
        let wanted = i32::from(wanted[block]);
        if !key && (i32::from(self.shown[block]) - wanted).abs() <= TOLERANCE {
            write_kept(modes, MV_COUNTS_TO_PROBS[self.kept_neighbours(row, column)][0]);
            self.kept[block] = true;
            return 0;
        }
        let predicted = self.predict(row, column);
        let level = quantise(wanted - predicted);
        self.shown[block] = (predicted + residual(level)).clamp(0, 255) as u8;
        write_predicted(modes, key, level == 0);
        level
    }

    /// DC_PRED over flat neighbours: their mean, the only neighbour, or 128 in the corner (RFC 6386 §12.2).
    fn predict(&self, row: usize, column: usize) -> i32 {
        let block = row * self.columns + column;
        let above = (row > 0).then(|| i32::from(self.shown[block - self.columns]));
        let left = (column > 0).then(|| i32::from(self.shown[block - 1]));
        match (above, left) {
            (None, None) => 128,
            (Some(only), None) | (None, Some(only)) => only,
            (Some(above), Some(left)) => (above + left + 1) >> 1,
        }
    }

    /// The weight of the neighbours with a zero motion vector (RFC 6386 §18.3).
    fn kept_neighbours(&self, row: usize, column: usize) -> usize {
        let block = row * self.columns + column;
        let above = row > 0 && self.kept[block - self.columns];
        let left = column > 0 && self.kept[block - 1];
        let above_left = row > 0 && column > 0 && self.kept[block - self.columns - 1];
        2 * usize::from(above) + 2 * usize::from(left) + usize::from(above_left)
    }

    /// Frame tag, start code and size on key frames (RFC 6386 §9.1), then both partitions.
    fn assemble(&self, key: bool, modes: &[u8], tokens: &[u8]) -> Vec<u8> {
        // Version 0 and show_frame.
        let tag = u32::from(!key) | 1 << 4 | (modes.len() as u32) << 5;
        let mut frame = Vec::with_capacity(10 + modes.len() + tokens.len() + 32);
        frame.extend_from_slice(&tag.to_le_bytes()[..3]);
        if key {
            frame.extend_from_slice(&[0x9d, 0x01, 0x2a]);
            frame.extend_from_slice(&self.width.to_le_bytes());
            frame.extend_from_slice(&self.height.to_le_bytes());
        }
        frame.extend_from_slice(modes);
        frame.extend_from_slice(tokens);
        frame
    }
}

/// The level that comes nearest. The inverse WHT and the inverse DCT each divide by 8.
fn quantise(difference: i32) -> i32 {
    ((difference * 64 + difference.signum() * STEP / 2) / STEP).clamp(-2047, 2047)
}

/// What the decoder adds to each pixel of a block that has only the Y2 DC (RFC 6386 §14.3 and §14.4).
fn residual(level: i32) -> i32 {
    (((level * STEP + 3) >> 3) + 4) >> 3
}

/// The frame header (RFC 6386 §9.2 to §9.11 and §19.2).
fn write_header(modes: &mut BoolEncoder, key: bool) {
    if key {
        modes.write_literal(0, 2); // Colour space and clamping.
    }
    modes.write_literal(0, 1); // No segmentation.
    modes.write_literal(0, 1 + 6 + 3); // Normal loop filter, level 0, sharpness 0.
    modes.write_literal(0, 1); // No loop filter deltas.
    modes.write_literal(0, 2); // One token partition.
    modes.write_literal(u32::from(QUANTISER), 7);
    modes.write_literal(0, 5); // No quantiser deltas.
    if !key {
        modes.write_literal(0, 2); // Golden and altref stay.
        modes.write_literal(0, 4); // Nothing is copied to them.
        modes.write_literal(0, 2); // No sign bias.
    }
    modes.write_literal(1, 1); // Keep the probabilities.
    if !key {
        modes.write_literal(1, 1); // This frame becomes the last frame.
    }
    for &prob in &COEFF_UPDATE_PROBS_FLAT {
        modes.write_bool(prob, false);
    }
    modes.write_literal(1, 1); // Blocks without coefficients are marked.
    modes.write_literal(u32::from(skip_prob(key)), 8);
    if !key {
        modes.write_literal(u32::from(INTRA_PROB), 8);
        modes.write_literal(u32::from(LAST_PROB), 8);
        modes.write_literal(u32::from(GOLDEN_PROB), 8);
        modes.write_literal(0, 2); // Mode probabilities stay.
        for prob in MV_UPDATE_PROBS {
            modes.write_bool(prob, false);
        }
    }
}

const fn skip_prob(key: bool) -> u8 {
    if key { SKIP_PROB_KEY } else { SKIP_PROB_INTER }
}

fn write_kept(modes: &mut BoolEncoder, zero_mv_prob: u8) {
    modes.write_bool(SKIP_PROB_INTER, true); // No coefficients.
    modes.write_bool(INTRA_PROB, true); // Inter.
    modes.write_bool(LAST_PROB, false); // From the last frame.
    modes.write_bool(zero_mv_prob, false); // ZEROMV.
}

fn write_predicted(modes: &mut BoolEncoder, key: bool, no_coefficients: bool) {
    modes.write_bool(skip_prob(key), no_coefficients);
    let path: &[(u8, bool)] = if key {
        // Luma: not B_PRED, then DC_PRED; chroma: DC_PRED (RFC 6386 §11.2).
        &[(145, true), (156, false), (163, false), (142, false)]
    } else {
        // Intra, luma DC_PRED, chroma DC_PRED (RFC 6386 §16.1).
        &[(INTRA_PROB, false), (112, false), (162, false)]
    };
    for &(prob, bit) in path {
        modes.write_bool(prob, bit);
    }
}

/// The Y2 block with its DC only, then an end-of-block for each of 16 luma and 8 chroma blocks.
fn write_tokens(tokens: &mut BoolEncoder, level: i32, coded_above: bool, coded_left: bool) {
    let mut coefficients = [0_i16; 16];
    coefficients[0] = level as i16;
    encode_coeff_block(
        tokens,
        BlockType::Y2,
        &DEFAULT_COEFF_PROBS,
        coded_above,
        coded_left,
        &coefficients,
    )
    .expect("a level is within 2047");
    for _ in 0..16 {
        tokens.write_bool(DEFAULT_COEFF_PROBS[0][COEFF_BANDS[1]][0][0], false);
    }
    for _ in 0..8 {
        tokens.write_bool(DEFAULT_COEFF_PROBS[2][0][0][0], false);
    }
}

#[cfg(test)]
mod tests {
    use oxideav_vp8::Vp8DecoderState;

    use super::*;

    #[test]
    fn decoders_show_exactly_what_was_predicted() {
        for (width, height) in [(64, 48), (320, 180), (640, 360), (650, 362)] {
            let mut mosaic = Mosaic::new(width, height);
            let mut decoder = Vp8DecoderState::new();
            for i in 0..30_usize {
                let wanted: Vec<u8> = (0..mosaic.shown.len()).map(|b| (b * 37 + i * b % 251) as u8).collect();
                let frame = mosaic.write(&wanted, i % 12 == 0);
                assert_eq!(frame[0] & 1 == 0, i % 12 == 0);
                let shown = decoder.decode_frame(&frame).unwrap();
                assert_eq!((shown.width, shown.height), (u32::from(width), u32::from(height)));
                assert_exact(&mosaic, &shown.y, i);
                assert!(shown.u.iter().chain(&shown.v).all(|&chroma| chroma == 128));
            }
        }
    }

    #[test]
    fn the_picture_comes_near_to_what_is_wanted() {
        let mut mosaic = Mosaic::new(320, 180);
        let wanted: Vec<u8> = (0..mosaic.shown.len()).map(|b| (b * 7) as u8).collect();
        mosaic.write(&wanted, true);
        for (shown, wanted) in mosaic.shown.iter().zip(&wanted) {
            assert!(shown.abs_diff(*wanted) <= 2, "{shown} for {wanted}");
        }
    }

    fn assert_exact(mosaic: &Mosaic, luma: &[u8], frame: usize) {
        let width = usize::from(mosaic.width);
        for (i, &pixel) in luma.iter().enumerate() {
            let block = (i / width / BLOCK) * mosaic.columns + i % width / BLOCK;
            assert_eq!(pixel, mosaic.shown[block], "frame {frame}, pixel {i}");
        }
    }
}
