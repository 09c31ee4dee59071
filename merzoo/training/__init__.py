"""Recipes, fitting, transfer learning and tuning."""
