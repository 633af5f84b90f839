const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [760, 400, 60, 50, 20, 120];
const COLOURS = { gateway: '#0b6e4f', fast: '#1f4e9c', floor: '#7a7a7a', naive: '#b23a48' };

/**
 * The p95 of each contestant against the rate of requests, as SVG; both axes are logarithmic.
 * @param {Record<string, { rate: number, p95: number }[]>} sweep
 */
export function plotOf(sweep) {
  const points = Object.values(sweep).flat();
  const x = scale(
    points.map(({ rate }) => rate),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = scale(
    points.map(({ p95 }) => p95),
    HEIGHT - BOTTOM,
    TOP,
  );
  const lines = Object.entries(sweep).map(([name, series]) => {
    const path = series.map(({ rate, p95 }, index) => `${index === 0 ? 'M' : 'L'}${x(rate).toFixed(1)} ${y(p95).toFixed(1)}`).join(' ');
    const last = series.at(-1);
    return `<path d="${path}" fill="none" stroke="${COLOURS[name]}" stroke-width="2"/>
  <text x="${(x(last.rate) + 6).toFixed(1)}" y="${(y(last.p95) + 4).toFixed(1)}" fill="${COLOURS[name]}">${name}</text>`;
  });
  const rates = [...new Set(points.map(({ rate }) => rate))];
  const ticksX = rates.map((rate) => `<text x="${x(rate).toFixed(1)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${rate}</text>`);
  const ticksY = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
    .filter((ms) => y(ms) >= TOP && y(ms) <= HEIGHT - BOTTOM)
    .map(
      (ms) =>
        `<text x="${LEFT - 8}" y="${(y(ms) + 4).toFixed(1)}" text-anchor="end">${ms}</text><path d="M${LEFT} ${y(ms).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
    );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
  <rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
  ${ticksY.join('\n  ')}
  ${ticksX.join('\n  ')}
  <text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 10}" text-anchor="middle">requests due a second (one customer with subscriptions and payments)</text>
  <text x="16" y="${HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 16 ${HEIGHT / 2})">p95, ms</text>
  ${lines.join('\n  ')}
</svg>
`;
}

function scale(values, from, to) {
  const [least, most] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  return (value) => from + ((Math.log(value) - least) / (most - least || 1)) * (to - from);
}
