// Films for Chromium's pretended camera, drawn here: YUV4MPEG2, 4:2:0. No picture of anybody is in them.
import { openSync, writeSync, closeSync } from 'node:fs';

/// BT.601, limited range.
function yuv([r, g, b]) {
  return [
    Math.round(16 + 0.257 * r + 0.504 * g + 0.098 * b),
    Math.round(128 - 0.148 * r - 0.291 * g + 0.439 * b),
    Math.round(128 + 0.439 * r - 0.368 * g - 0.071 * b),
  ];
}

/// `draw(frame, x, y)` gives the colour [r, g, b] of a pixel.
export function writeFilm(path, { width, height, rate, frames, draw }) {
  const file = openSync(path, 'w');
  writeSync(file, `YUV4MPEG2 W${width} H${height} F${rate}:1 Ip A1:1 C420mpeg2\n`);
  const luma = Buffer.alloc(width * height), u = Buffer.alloc((width / 2) * (height / 2)), v = Buffer.alloc(u.length);
  for (let frame = 0; frame < frames; frame++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const colour = yuv(draw(frame, x, y));
        luma[y * width + x] = colour[0];
        if (x % 2 === 0 && y % 2 === 0) {
          const at = (y / 2) * (width / 2) + x / 2;
          u[at] = colour[1];
          v[at] = colour[2];
        }
      }
    }
    writeSync(file, 'FRAME\n');
    for (const plane of [luma, u, v]) writeSync(file, plane);
  }
  closeSync(file);
}

const kGround = [222, 214, 196], kRed = [214, 40, 40], kBlue = [40, 80, 200];
const inside = (x, y, left, top, side) => x >= left && x < left + side && y >= top && y < top + side;

/// A red circle on the left third that stands still: the model knows red circles.
export function stillFilm(path) {
  writeFilm(path, { width: 320, height: 240, rate: 10, frames: 10, draw: (_, x, y) =>
    (x - 90) ** 2 + (y - 120) ** 2 < 55 ** 2 ? kRed : kGround });
}

/// A red circle and a blue square that move: no frame is like the one before it.
export function movingFilm(path, { scale = 1, rate = 10 } = {}) {
  writeFilm(path, { width: 320 * scale, height: 240 * scale, rate, frames: 40, draw(frame, x, y) {
    const turn = (frame / 40) * 2 * Math.PI;
    [x, y] = [x / scale, y / scale];
    if ((x - 100 - 40 * Math.cos(turn)) ** 2 + (y - 120 - 40 * Math.sin(turn)) ** 2 < 45 ** 2) return kRed;
    return inside(x, y, Math.round(190 + 30 * Math.sin(turn)), Math.round(80 + 40 * Math.cos(turn)), 80) ? kBlue : kGround;
  } });
}
