"""The clay in motion: how the paper's amorphous structure is put together and handled."""
