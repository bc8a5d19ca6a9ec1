// The chart of one measure over periods, as ECharts wants it. A series is [[start, value], ...].
import { valueText } from './measures.js';
import { periodTitle } from './periods.js';

/** The lines' names, the largest by the measure that is drawn first. */
function largest(rows, measure) {
	const sizes = new Map();
	for (const row of rows) {
		const size = Math.abs(row[measure.name] ?? 0);
		sizes.set(row.series, Math.max(sizes.get(row.series) ?? 0, size));
	}
	return [...sizes].sort(([, one], [, other]) => other - one).map(([name]) => name);
}

function linesOf(name, rows, measure) {
	const at = ({ start, [measure.name]: value }) => [start, value];
	const isWhole = rows.map(({ is_whole: whole }) => whole);
	// What is unfinished at either end is dashed, from the whole one next to it.
	const first = Math.max(0, isWhole.indexOf(true));
	const last = isWhole.includes(true) ? isWhole.lastIndexOf(true) : rows.length - 1;
	const plain = { type: 'line', name, connectNulls: measure.aggregate === 'average' };
	const whole = rows.slice(first, last + 1);
	const dashed = (id, part, marked) => ({
		...plain,
		id: `${name} ${id}`,
		data: part.map(at),
		lineStyle: { type: 'dashed', width: 1 },
		symbol: (_, { dataIndex }) => (dataIndex === marked ? 'emptyCircle' : 'none'),
		symbolSize: 7
	});
	const lines = [
		{ ...plain, data: whole.map(at), showSymbol: whole.length < 32, symbolSize: 5 }
	];
	if (first > 0) lines.push(dashed('before', rows.slice(0, first + 1), 0));
	if (last < rows.length - 1) {
		const part = rows.slice(last);
		lines.push(dashed('unfinished', part, part.length - 1));
	}
	return lines;
}

/**
 * @param rows What `periodsSql` answers.
 * @param most With a category: at most so many lines.
 * @returns { config, total, left }: the chart, how many lines there are and how many are left out.
 */
export function trendChart(rows, measure, grain, most) {
	const names = most ? largest(rows, measure) : [''];
	const shown = most ? names.slice(0, most) : names;
	const series = shown.flatMap((name) =>
		linesOf(name, most ? rows.filter((row) => row.series === name) : rows, measure)
	);
	const stops = new Map(rows.map((row) => [row.start, row]));
	const values = rows.map((row) => row[measure.name]).filter((value) => value !== null);
	const config = {
		grid: { left: 8, right: 24, top: most ? 36 : 16, bottom: 8, containLabel: true },
		legend: most ? { type: 'scroll', top: 0, data: shown } : { show: false },
		tooltip: {
			trigger: 'axis',
			confine: true,
			formatter: (points) => tooltip(points, stops, measure, grain)
		},
		xAxis: {
			type: 'category',
			data: [...stops.keys()],
			boundaryGap: false,
			axisLabel: {
				hideOverlap: true,
				formatter: (start) => axisText(grain, stops.get(start) ?? { start, stop: start })
			}
		},
		yAxis: {
			type: 'value',
			scale: measure.aggregate === 'average',
			splitNumber: 4,
			axisLabel: { formatter: (value) => valueText(measure, value, [value, ...values]) }
		},
		series
	};
	return { config, total: names.length, left: names.length - shown.length };
}

/** Where there is room for a few signs only, a week is named by its first day. */
function axisText(grain, row) {
	return periodTitle(grain === 'week' || grain === 'four_weeks' ? 'day' : grain, row);
}

function escaped(text) {
	return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function tooltip(points, stops, measure, grain) {
	const [first] = points;
	const row = stops.get(first.axisValue ?? first.data[0]);
	if (!row) return '';
	const seen = new Map(points.map((point) => [point.seriesName, point.data[1]]));
	const lines = [...seen].map(([name, value]) => {
		const text = escaped(valueText(measure, value));
		return name && name !== 'series0' ? `${escaped(name)}: ${text}` : text;
	});
	const note = row.is_whole ? '' : '<br>not a whole one';
	return [`<b>${periodTitle(grain, row)}</b>${note}`, ...lines].join('<br>');
}
