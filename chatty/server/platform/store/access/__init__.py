"""The rows that rights follow from: written by rulings, looked up for every decision."""
