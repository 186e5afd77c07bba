// --- Overlay: boxes and points of the frame they were found in ---------------------------------------------

const kColours = ['#ffd166', '#6fd3ff', '#ff8fa3', '#9be37f', '#c9a7ff', '#ffa85c', '#5fe0c5', '#ff9be8', '#d7e05f', '#8fb4ff', '#ffb9a0', '#b5c4c9'];
const colour = (i) => kColours[i % kColours.length];

const overlay = {
  found: null,  // {objects|points, label, mirrored, at, life}
  frame: 0,

  set(found) { this.found = found; this.draw(); },
  /// The scene is as it was: what was found still holds.
  renew() { if (this.found) { this.found.at = now(); this.draw(); } },
  draw() {
    cancelAnimationFrame(this.frame);
    const canvas = $('overlay'), scale = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const context = canvas.getContext('2d');
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const alpha = this.alpha();
    canvas.dataset.alpha = alpha;
    if (!this.found || alpha === 0) return;
    context.globalAlpha = alpha;
    this.place = picturePlace(width, height);
    (this.found.objects ?? []).forEach((box, i) => this.box(context, box, i));
    (this.found.points ?? []).forEach((point, i) => this.point(context, point, i));
    if (this.found.life !== Infinity) this.frame = requestAnimationFrame(() => this.draw());
  },
  /// Whole for twice the latency, then gone within half a second: an old box misleads.
  alpha() {
    if (!this.found) return 0;
    if (this.found.life === Infinity) return 1;
    const late = now() - this.found.at - this.found.life;
    return Math.max(0, Math.min(1, 1 - late / 500));
  },
  x(x) { return this.place.x + (this.found.mirrored ? 1 - x : x) * this.place.width; },
  y(y) { return this.place.y + y * this.place.height; },
  box(context, box, i) {
    const a = this.x(box.x_min), b = this.x(box.x_max), left = Math.min(a, b), top = this.y(box.y_min);
    const width = Math.abs(b - a), height = this.y(box.y_max) - top;
    rounded(context, left, top, width, height, Math.min(8, width / 4, height / 4));
    context.lineWidth = 5;
    context.strokeStyle = '#0007';
    context.stroke();
    context.lineWidth = 2.5;
    context.strokeStyle = colour(i);
    context.stroke();
    this.label(context, `${this.found.label} ${i + 1}`, left, top, colour(i));
  },
  label(context, text, left, top, fill) {
    context.font = '600 13px system-ui, sans-serif';
    const width = context.measureText(text).width + 14, height = 22;
    const x = Math.max(this.place.x + 2, Math.min(left, this.place.x + this.place.width - width - 2));
    const y = top - height - 4 < this.place.y ? top + 5 : top - height - 4;
    context.fillStyle = fill;
    rounded(context, x, y, width, height, 7);
    context.fill();
    context.fillStyle = '#111';
    context.textBaseline = 'middle';
    context.fillText(text, x + 7, y + height / 2 + 1);
  },
  point(context, point, i) {
    const x = this.x(point.x), y = this.y(point.y);
    const circle = (radius, fill) => { context.beginPath(); context.arc(x, y, radius, 0, 7); context.fillStyle = fill; context.fill(); };
    circle(13.5, '#0007');
    circle(12, '#fff');
    circle(10, colour(i));
    context.font = '700 12px system-ui, sans-serif';
    context.fillStyle = '#111';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(i + 1, x, y + .5);
    context.textAlign = 'start';
  },
};

function rounded(context, ...place) {
  context.beginPath();
  context.roundRect(...place);
}

/// Where the picture lies in the view: it fills it but for rounding, unless in a window of another shape.
function picturePlace(width, height) {
  const ratio = parseFloat($('stage').style.getPropertyValue('--ratio')) || width / height;
  const w = Math.min(width, height * ratio), h = w / ratio;
  return { x: (width - w) / 2, y: (height - h) / 2, width: w, height: h };
}

