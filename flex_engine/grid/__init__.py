"""The grid: carbon intensity and price, forecast and searched for opportunities."""
