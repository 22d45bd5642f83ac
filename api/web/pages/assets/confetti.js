// Petals that fall once, slowly, and are gone.

const PETALS = 70;
const SECONDS = 6;

/** Draws on the canvas until they have fallen. Nothing moves for who wants no motion. Returns what ends it at once. */
export function petals(canvas, colours) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return () => {};
  const width = (canvas.width = innerWidth);
  const height = (canvas.height = innerHeight);
  const size = Math.min(width, height) / 45;
  const context = canvas.getContext("2d");
  const falling = Array.from({ length: PETALS }, () => ({
    x: Math.random() * width,
    y: -size - Math.random() * height * 0.7,
    speed: (0.22 + Math.random() * 0.16) * height,
    sway: Math.random() * 7,
    turn: Math.random() * 6.3,
    colour: colours[Math.floor(Math.random() * colours.length)],
    size: size * (0.6 + Math.random() * 0.7),
  }));
  const began = performance.now();
  let frame = 0;
  const draw = (now) => {
    const seconds = (now - began) / 1_000;
    context.clearRect(0, 0, width, height);
    if (seconds > SECONDS) return;
    context.globalAlpha = Math.min(1, (SECONDS - seconds) / 1.5) * 0.85;
    for (const each of falling) {
      context.save();
      context.translate(each.x + Math.sin(seconds * 1.4 + each.sway) * size * 2, each.y + each.speed * seconds);
      context.rotate(each.turn + seconds * 0.9);
      context.fillStyle = each.colour;
      context.beginPath();
      context.ellipse(0, 0, each.size, each.size * (0.25 + 0.35 * Math.abs(Math.sin(seconds * 1.8 + each.turn))), 0, 0, 6.3);
      context.fill();
      context.restore();
    }
    frame = requestAnimationFrame(draw);
  };
  frame = requestAnimationFrame(draw);
  return () => {
    cancelAnimationFrame(frame);
    context.clearRect(0, 0, width, height);
  };
}
