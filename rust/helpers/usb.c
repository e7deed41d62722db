// SPDX-License-Identifier: GPL-2.0
/* Fields of USB devices and buses, for rust/device/usb.rs. Nothing here calls usbcore. */

#include <linux/usb.h>

bool wqd_have_usb(void)
{
	return IS_ENABLED(CONFIG_USB);
}

const char *wqd_usb_device_name(const struct usb_device *udev)
{
	return dev_name(&udev->dev);
}

const char *wqd_usb_bus_name(const struct usb_bus *bus)
{
	return bus->bus_name ?: "";
}

/* What a patched kernel stores with USB_DEVICE_ERROR. */
int wqd_usb_device_error(const struct usb_device *udev)
{
#ifdef USB_DEVICE_ERROR
	return udev->last_error;
#else
	return 0;
#endif
}
