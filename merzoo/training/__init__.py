"""Recipes and the one trainer; training once: pretrain and finetune."""
