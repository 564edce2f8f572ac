export { UsageChart, type UsageChartProps } from './usage-chart.tsx'
